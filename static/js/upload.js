// Uploads: drop a file on the field, and see it go to the API. Without this script the form posts itself.
(() => {
  const size = (bytes) => (bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`);

  function dropzone(zone) {
    const input = zone.querySelector("input[type=file]");
    const name = zone.querySelector("[data-drop-name]");
    const show = () => { if (input.files[0]) name.textContent = `${input.files[0].name} · ${size(input.files[0].size)}`; };
    input.addEventListener("change", show);
    for (const kind of ["dragenter", "dragover"]) zone.addEventListener(kind, (e) => { e.preventDefault(); zone.classList.add("over"); });
    for (const kind of ["dragleave", "drop"]) zone.addEventListener(kind, () => zone.classList.remove("over"));
    zone.addEventListener("drop", (event) => {
      event.preventDefault();
      if (!event.dataTransfer.files.length) return;
      input.files = event.dataTransfer.files;
      show();
    });
  }

  // Reading options travel as one JSON object; only those that differ from what the form started with.
  function body(form) {
    const data = new FormData();
    const options = {};
    for (const field of form.elements) {
      if (!field.name || field.name === "csrfmiddlewaretoken") continue;
      if (field.name.startsWith("options.")) {
        const start = field.querySelector ? [...field.options || []].find((o) => o.defaultSelected)?.value ?? field.defaultValue : field.defaultValue;
        if (field.value !== (start ?? field.options?.[0]?.value)) options[field.name.slice(8)] = field.value;
      } else if (field.type === "file") data.append(field.name, field.files[0]);
      else data.append(field.name, field.value);
    }
    if (Object.keys(options).length) data.append("options", JSON.stringify(options));
    return data;
  }

  function upload(form) {
    const part = (name) => form.querySelector(`[data-upload-${name}]`);
    const note = part("note");
    const bar = part("progress").querySelector("progress");
    const button = form.querySelector("[type=submit]");
    const request = new XMLHttpRequest();
    const fail = (message) => {
      part("progress").hidden = true;
      button.disabled = false;
      part("message").textContent = message;
      part("error").hidden = false;
      part("error").scrollIntoView({ block: "nearest" });
    };
    let asked = performance.now();
    request.upload.addEventListener("progress", (event) => {
      bar.value = event.loaded / event.total;
      const speed = event.loaded / ((performance.now() - asked) / 1000 || 1);
      const left = Math.max(1, Math.round((event.total - event.loaded) / (speed || 1)));
      note.textContent = event.loaded < event.total
        ? `${note.dataset.wordSending} ${size(event.loaded)} / ${size(event.total)} · ${size(speed)}/s · ${left} s`
        : note.dataset.wordChecking;
    });
    request.upload.addEventListener("load", () => { bar.removeAttribute("value"); note.textContent = note.dataset.wordChecking; });
    request.addEventListener("error", () => fail(note.dataset.wordLost));
    request.addEventListener("abort", () => { part("progress").hidden = true; button.disabled = false; });
    request.addEventListener("load", () => {
      let answer = {};
      try { answer = JSON.parse(request.responseText); } catch { /* an answer of a proxy, not of the API */ }
      if (request.status < 300) window.location.assign(`${form.dataset.uploadDone}${answer.dataset || answer.id}/`);
      else fail([answer.detail, ...(answer.errors || []).map((error) => error.message)].filter(Boolean).join(" ") || `${request.status} ${request.statusText}`);
    });
    part("cancel").onclick = () => request.abort();
    part("error").hidden = true;
    part("progress").hidden = false;
    button.disabled = true;
    asked = performance.now();
    request.open("POST", form.dataset.upload);
    request.setRequestHeader("X-CSRFToken", form.querySelector("[name=csrfmiddlewaretoken]").value);
    request.setRequestHeader("Accept", "application/json");
    request.send(body(form));
  }

  document.querySelectorAll("[data-drop]").forEach(dropzone);
  document.querySelectorAll("form[data-upload]").forEach((form) => form.addEventListener("submit", (event) => {
    event.preventDefault();
    upload(form);
  }));
})();

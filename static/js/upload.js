// Uploads: a chosen or dropped file goes to the server in parts (tus), and goes on after a cut connection, a pause or a
// reload. Without this script the form posts itself.
(() => {
  const MIB = 2 ** 20;
  const PART = 64 * MIB; // what a proxy before the server is asked to let through at once
  const DELAYS = [0, 1000, 2000, 3000, 5000, 8000, 13000, 20000, 30000, 30000];
  const size = (bytes) => (bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`);
  const time = (s) => (s < 90 ? `${Math.max(1, Math.round(s))} s` : s < 5400 ? `${Math.round(s / 60)} min` : `${(s / 3600).toFixed(1)} h`);

  function dropzone(zone) {
    const input = zone.querySelector("input[type=file]");
    for (const kind of ["dragenter", "dragover"]) zone.addEventListener(kind, (e) => { e.preventDefault(); zone.classList.add("over"); });
    for (const kind of ["dragleave", "drop"]) zone.addEventListener(kind, () => zone.classList.remove("over"));
    zone.addEventListener("drop", (event) => {
      event.preventDefault();
      if (!event.dataTransfer.files.length) return;
      input.files = event.dataTransfer.files;
      input.dispatchEvent(new Event("change", { bubbles: true }));
    });
  }

  // Bytes a second, of the last seconds: what was fast an hour ago says little about now.
  class Speed {
    constructor() { this.points = []; }
    at(bytes) {
      const now = performance.now();
      this.points = [...this.points.filter(([then]) => now - then < 8000), [now, bytes]];
      const [then, before] = this.points[0];
      return now - then > 300 ? (1000 * (bytes - before)) / (now - then) : 0;
    }
    forget() { this.points = []; }
  }

  class Item {
    constructor(desk, file) {
      this.desk = desk;
      this.file = file;
      this.words = desk.list.dataset;
      this.speed = new Speed();
      this.node = desk.template.content.firstElementChild.cloneNode(true);
      this.part("name").textContent = file.name;
      this.part("size").textContent = size(file.size);
      this.part("bar").setAttribute("aria-label", file.name);
      this.part("pause").addEventListener("click", () => (this.state === "sending" || this.state === "waiting" ? this.pause() : this.start()));
      this.part("cancel").addEventListener("click", () => this.cancel());
      desk.list.append(this.node);
      desk.list.hidden = false;
      this.upload = new tus.Upload(file, {
        endpoint: desk.form.dataset.uploads,
        chunkSize: PART,
        retryDelays: DELAYS,
        removeFingerprintOnSuccess: true,
        metadata: { filename: file.name, ...desk.target() },
        headers: { "X-CSRFToken": desk.form.querySelector("[name=csrfmiddlewaretoken]").value, Accept: "application/json" },
        onShouldRetry: (error) => this.retry(error),
        onProgress: (sent) => this.progress(sent),
        onError: (error) => this.fail(error),
        onSuccess: () => this.done(),
      });
    }

    part(name) { return this.node.querySelector(`[data-part="${name}"]`); }

    show(state, word) {
      this.state = state;
      this.node.dataset.state = state;
      this.part("state").textContent = word;
      const isGoing = state === "sending" || state === "waiting";
      this.part("pause").textContent = isGoing ? this.words.wordPause : state === "failed" ? this.words.wordRetry : this.words.wordResume;
      this.part("pause").setAttribute("aria-label", `${this.part("pause").textContent}: ${this.file.name}`);
      if (!isGoing) this.part("figures").textContent = "";
    }

    async begin() {
      if (!this.file.size) return this.refuse(this.words.wordEmpty);
      const [earlier] = await this.upload.findPreviousUploads();
      if (earlier) this.upload.resumeFromPreviousUpload(earlier);
      this.start(earlier ? this.words.wordResumed : this.words.wordSending);
    }

    start(word = this.words.wordSending) {
      this.part("error").hidden = true;
      this.speed.forget();
      this.show("sending", word);
      this.upload.start();
    }

    pause() {
      this.upload.abort();
      this.show("paused", this.words.wordPaused);
    }

    cancel() {
      this.upload.abort(true).catch(() => {}); // what cannot be deleted now is deleted when its time is over
      this.desk.remove(this);
    }

    progress(sent) {
      if (this.state === "waiting") this.show("sending", this.words.wordSending);
      this.part("bar").value = sent / this.file.size;
      const speed = this.speed.at(sent);
      const rest = speed ? ` · ${size(speed)}/s · ${time((this.file.size - sent) / speed)} ${this.words.wordLeft}` : "";
      this.part("figures").textContent = `${size(sent)} / ${size(this.file.size)}${rest}`;
    }

    // A broken connection and a server that is being started again pass; a refusal does not.
    retry(error) {
      const status = error.originalResponse ? error.originalResponse.getStatus() : 0;
      const passes = status === 0 || status >= 500 ? status !== 507 : [409, 423, 429].includes(status);
      if (passes && this.state !== "paused") this.show("waiting", this.words.wordWaiting);
      return passes && this.state !== "paused";
    }

    fail(error) {
      const response = error.originalResponse;
      if (!response || response.getStatus() === 0) {
        this.show("stopped", this.words.wordStopped);
        window.addEventListener("online", () => { if (this.state === "stopped") this.start(); }, { once: true });
        return;
      }
      this.refuse(explain(response) || error.message);
    }

    refuse(message) {
      this.show("failed", "");
      this.part("pause").hidden = !this.file.size;
      this.part("error").textContent = message;
      this.part("error").hidden = false;
    }

    async done() {
      this.show("done", this.words.wordChecking);
      this.part("bar").value = 1;
      const id = this.upload.url.replace(/\/+$/, "").split("/").pop();
      const page = `${this.desk.form.dataset.import}${id}/`;
      if (this.desk.items.length === 1) { window.location.assign(page); return; }
      this.part("pause").hidden = this.part("cancel").hidden = true;
      this.part("import").href = page;
      this.part("import").setAttribute("aria-label", `${this.part("import").textContent} ${this.file.name}`);
      this.part("import").hidden = false;
      const answer = await fetch(this.upload.url, { headers: { Accept: "application/json" } }).catch(() => null); // the page is left
      if (answer && answer.ok) this.known((await answer.json()).duplicates);
    }

    known(duplicates) {
      for (const each of duplicates.slice(0, 1)) {
        const link = Object.assign(document.createElement("a"), { href: `/datasets/${each.dataset}/?version=${each.version}`, textContent: `${each.name}, ${each.version}` });
        this.part("known").replaceChildren(`${this.words.wordKnown} `, link);
        this.part("known").hidden = false;
      }
    }
  }

  function explain(response) {
    try {
      const problem = JSON.parse(response.getBody());
      return [problem.detail, ...(problem.errors || []).map((each) => each.message)].filter(Boolean).join(" ");
    } catch {
      return ""; // an answer of a proxy, not of the API
    }
  }

  // A form, its list, and the files that were chosen in it.
  class Desk {
    constructor(form) {
      this.form = form;
      this.list = form.querySelector("[data-upload-list]");
      this.template = form.querySelector("[data-upload-item]");
      this.items = [];
      const input = form.querySelector("input[type=file]");
      input.multiple = "many" in form.dataset;
      input.required = false;
      form.querySelector("[data-upload-submit]").hidden = true;
      input.addEventListener("change", () => {
        for (const file of input.files) this.add(file);
        input.value = ""; // the same file may be chosen again, to go on
      });
    }

    target() {
      const department = this.form.elements.department;
      return this.form.dataset.dataset ? { dataset: this.form.dataset.dataset } : { department: department.value };
    }

    add(file) {
      const item = new Item(this, file);
      this.items.push(item);
      item.begin();
    }

    remove(item) {
      this.items = this.items.filter((each) => each !== item);
      item.node.remove();
      this.list.hidden = !this.items.length;
    }
  }

  document.querySelectorAll("[data-drop]").forEach(dropzone);
  if (window.tus && tus.isSupported) document.querySelectorAll("form[data-uploads]").forEach((form) => new Desk(form));
})();

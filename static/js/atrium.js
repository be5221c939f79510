// What every page does: theme buttons, menus, toasts, dialogs, copying, tabs, conditional fields, htmx errors.
(() => {
  const words = document.getElementById("words").dataset;
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  // Toasts. `tone` is info, success, warning or error; errors stay until they are closed.
  const icons = { info: "info-circle", success: "circle-check", warning: "alert-triangle", error: "alert-circle" };
  function toast(text, tone = "info") {
    const note = document.getElementById("toast-template").content.firstElementChild.cloneNode(true);
    note.classList.add(tone);
    note.querySelector(".ti").classList.add(`ti-${icons[tone] || icons.info}`);
    note.querySelector("p").textContent = text;
    document.getElementById("toasts").append(note);
    settle(note);
  }
  function settle(note) {
    note.querySelector("button").addEventListener("click", () => note.remove());
    if (!note.classList.contains("error")) setTimeout(() => note.remove(), 7000);
  }
  all("#toasts > *").forEach(settle);

  // A refused htmx request says what to do, in the server's words where it gave some.
  function explain(xhr) {
    if ((xhr.getResponseHeader("Content-Type") || "").includes("json")) {
      try {
        const problem = JSON.parse(xhr.responseText);
        const fields = (problem.errors || []).map((e) => (e.field ? `${e.field}: ${e.message}` : e.message));
        return [problem.detail, ...fields].filter(Boolean).join(" ");
      } catch { /* not a problem document: fall through to the status */ }
    }
    return words[`http${xhr.status}`] || (xhr.status >= 500 ? words.http5 : words.http4);
  }
  document.addEventListener("htmx:responseError", (event) => toast(explain(event.detail.xhr), "error"));
  document.addEventListener("htmx:sendError", () => toast(words.offline, "error"));
  document.addEventListener("htmx:timeout", () => toast(words.offline, "error"));
  document.addEventListener("htmx:beforeSwap", (event) => {
    const html = (event.detail.xhr.getResponseHeader("Content-Type") || "").includes("html");
    if (event.detail.xhr.status === 422 && html) Object.assign(event.detail, { shouldSwap: true, isError: false });
  });
  document.addEventListener("htmx:configRequest", (event) => {
    event.detail.headers["X-CSRFToken"] = document.querySelector("meta[name=csrf-token]").content;
  });
  document.addEventListener("toast", (event) => toast(event.detail.text, event.detail.tone));
  let busy = 0;
  const mark = (step) => document.documentElement.classList.toggle("htmx-busy", (busy = Math.max(busy + step, 0)) > 0);
  document.addEventListener("htmx:beforeRequest", () => mark(1));
  document.addEventListener("htmx:afterRequest", () => mark(-1));

  // Theme buttons.
  function showTheme() {
    all("[data-theme-choice]").forEach((b) => b.setAttribute("aria-pressed", b.dataset.themeChoice === window.atriumTheme.chosen()));
  }
  document.addEventListener("atrium:theme", showTheme);
  showTheme();

  // Menus are <details>: one open at a time, closed by Escape and by a click elsewhere.
  const closeMenus = (except) => all("details.menu[open]").forEach((m) => m !== except && m.removeAttribute("open"));
  document.addEventListener("toggle", (event) => {
    if (event.target.matches?.("details.menu[open]")) closeMenus(event.target);
  }, true);

  // Dialogs; one with data-confirm-name enables its button when that name is typed.
  function openDialog(id) {
    const dialog = document.getElementById(id);
    if (!dialog || dialog.open) return;
    closeMenus();
    dialog.showModal();
    dialog.querySelector("[autofocus], input:not([type=hidden])")?.focus();
  }
  document.addEventListener("input", (event) => {
    const field = event.target.closest("[data-confirm-name]");
    if (field) field.form.querySelector("[type=submit]").disabled = field.value.trim() !== field.dataset.confirmName;
  });

  async function copy(button) {
    const source = document.getElementById(button.dataset.copy);
    await navigator.clipboard.writeText(("value" in source ? source.value : source.textContent).trim());
    toast(words.copied, "success");
  }

  // Tabs that switch panels in place (role=tablist); tabs that are links need no script.
  function choose(tab) {
    all("[role=tab]", tab.closest("[role=tablist]")).forEach((other) => {
      other.setAttribute("aria-selected", other === tab);
      other.tabIndex = other === tab ? 0 : -1;
      document.getElementById(other.getAttribute("aria-controls")).hidden = other !== tab;
    });
    tab.focus();
  }
  document.addEventListener("keydown", (event) => {
    const tab = event.target.closest?.("[role=tab]");
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!tab || !step) return;
    const tabs = all("[role=tab]", tab.closest("[role=tablist]"));
    choose(tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length]);
  });

  // A field with data-when is shown while the control of that name has one of the values.
  function showWhen(root = document) {
    all("[data-when]", root).forEach((field) => {
      const control = (field.closest("form") || document).querySelector(`[name="${CSS.escape(field.dataset.when)}"]`);
      if (!control) return;
      const value = control.type === "checkbox" ? String(control.checked) : control.value.toLowerCase();
      field.hidden = !field.dataset.whenValues.split(" ").includes(value);
    });
  }
  document.addEventListener("change", () => showWhen());
  document.addEventListener("htmx:load", () => showWhen());
  showWhen();

  const rail = (shown) => {
    document.documentElement.classList.toggle("rail-shown", shown);
    document.querySelector(".rail-open")?.setAttribute("aria-expanded", shown);
  };
  document.addEventListener("click", (event) => {
    const at = (selector) => event.target.closest(selector);
    if (!at("details.menu")) closeMenus();
    if (at("[data-theme-choice]")) window.atriumTheme.choose(at("[data-theme-choice]").dataset.themeChoice);
    if (at("[data-dialog]")) openDialog(at("[data-dialog]").dataset.dialog);
    if (at("[data-close]") || event.target.matches("dialog")) at("dialog")?.close();
    if (at("[data-copy]")) copy(at("[data-copy]"));
    if (at("[role=tab]")) choose(at("[role=tab]"));
    if (at(".rail-open")) rail(!document.documentElement.classList.contains("rail-shown"));
    if (at(".scrim")) rail(false);
  });
  document.addEventListener("change", (event) => {
    if (event.target.closest("[data-submit-on-change]")) event.target.form.requestSubmit();
  });
  window.atrium = { toast, openDialog, closeMenus, rail };
})();

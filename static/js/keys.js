// The keyboard: Ctrl+K or / searches, ? shows the keys, g then a letter goes to a page. Single keys can be switched off.
(() => {
  const STORE = "atrium-single-keys";
  const enabled = () => localStorage.getItem(STORE) !== "off";
  const typing = (target) => target.closest?.("input, textarea, select, [contenteditable], dialog");
  let prefix = -Infinity; // when g was pressed

  function openPalette() {
    window.atrium.openDialog("palette");
    const input = document.getElementById("palette-input");
    input.select();
    if (!input.value) input.dispatchEvent(new Event("search"));
  }

  function go(key) {
    const link = document.querySelector(`.rail [data-key="${CSS.escape(key)}"]`);
    if (link) link.click();
  }

  function single(event) {
    if (!enabled() || event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    if (event.timeStamp - prefix < 1200) { prefix = -Infinity; go(event.key); return; }
    if (event.key === "g") prefix = event.timeStamp;
    if (event.key === "?") window.atrium.openDialog("keys");
    if (event.key === "/") { event.preventDefault(); openPalette(); }
  }

  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") { event.preventDefault(); openPalette(); return; }
    if (event.key === "Escape") {
      const menu = document.querySelector("details.menu[open]");
      window.atrium.closeMenus();
      menu?.querySelector("summary").focus();
      window.atrium.rail(false);
      return;
    }
    single(event);
  });

  // The palette's list: the input keeps the focus, arrows move the marked result, Enter opens it.
  const results = document.getElementById("palette-results");
  const input = document.getElementById("palette-input");
  const options = () => [...results.querySelectorAll("[role=option]")];
  function mark(index) {
    options().forEach((option, i) => option.setAttribute("aria-selected", i === index));
    const marked = options()[index];
    input.setAttribute("aria-activedescendant", marked ? marked.id : "");
    marked?.scrollIntoView({ block: "nearest" });
  }
  input.addEventListener("keydown", (event) => {
    const at = options().findIndex((option) => option.getAttribute("aria-selected") === "true");
    if (event.key === "ArrowDown") { event.preventDefault(); mark(Math.min(at + 1, options().length - 1)); }
    if (event.key === "ArrowUp") { event.preventDefault(); mark(Math.max(at - 1, 0)); }
    if (event.key === "Enter") { event.preventDefault(); options()[Math.max(at, 0)]?.click(); }
  });
  results.addEventListener("htmx:afterSettle", () => mark(0));
  document.querySelectorAll("[data-open-search]").forEach((button) => button.addEventListener("click", openPalette));

  const box = document.getElementById("single-keys");
  box.checked = enabled();
  box.addEventListener("change", () => localStorage.setItem(STORE, box.checked ? "on" : "off"));
})();

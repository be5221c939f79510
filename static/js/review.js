// The review queue by keyboard: j and k move, Enter opens, 1 to 9 decide. Off where single keys are switched off.
(() => {
  const rows = [...document.querySelectorAll("[data-open]")];
  let prefix = -Infinity; // when g was pressed: g j goes to the jobs
  document.addEventListener("keydown", (event) => {
    if (localStorage.getItem("atrium-single-keys") === "off" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest?.("input, textarea, select, dialog")) return;
    if (event.timeStamp - prefix < 1200) { prefix = -Infinity; return; }
    if (event.key === "g") prefix = event.timeStamp;
    const step = { j: 1, k: -1 }[event.key];
    if (step && rows.length) {
      const at = rows.indexOf(document.activeElement);
      rows[Math.min(Math.max(at + step, 0), rows.length - 1)].focus();
    } else if (step) document.querySelector(step > 0 ? "[data-after]" : "[data-before]")?.click();
    else document.querySelector(`[data-decide="${CSS.escape(event.key)}"]`)?.click();
  });
})();

// The list of runs: one tick ticks all that are shown, and the button says how many will be compared.
(() => {
  const button = document.querySelector("button[form=compare]");
  const all = document.querySelector("[data-tick-all]");
  if (!button || !all) return;
  const boxes = [...document.querySelectorAll(`input[name="${all.dataset.tickAll}"]`)];
  const word = button.lastChild.textContent.trim();
  function tell() {
    const ticked = boxes.filter((box) => box.checked).length;
    button.lastChild.textContent = ticked ? `${word} (${ticked})` : word;
    all.checked = ticked === boxes.length;
    all.indeterminate = ticked > 0 && ticked < boxes.length;
  }
  all.addEventListener("change", () => { boxes.forEach((box) => { box.checked = all.checked; }); tell(); });
  document.getElementById("compare").addEventListener("change", tell);
  tell();
})();

// The try-it form: a slider and its number field always show the same value. htmx asks for the answer, its reasons and what would change it.
(() => {
  if (window.atriumTryIt) return; // two forms on one page load this once
  window.atriumTryIt = true;

  const sliderOf = (number) => document.querySelector(`[data-slider-of="${CSS.escape(number.id)}"]`);
  document.addEventListener("input", ({ target }) => {
    if (target.dataset.sliderOf) document.getElementById(target.dataset.sliderOf).value = target.value;
    else if (target.type === "number" && target.value !== "") {
      const slider = sliderOf(target);
      if (slider) slider.value = target.value;
    }
  }, true);

  // “Use these values”: the form takes them, and asks as if somebody had typed them.
  document.addEventListener("click", ({ target }) => {
    const button = target.closest("[data-fill]");
    if (!button) return;
    const form = document.getElementById(button.dataset.fillForm);
    for (const [name, value] of Object.entries(JSON.parse(button.dataset.fill))) {
      const field = form.elements.namedItem(name);
      field.value = field.type === "datetime-local" ? value.slice(0, 19) : value;
      field.dispatchEvent(new Event("input", { bubbles: true }));
    }
  });
})();

// The try-it form: a slider and its number field always show the same value. htmx asks for the answer.
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
})();

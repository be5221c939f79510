// The Train page: finding a column by name, and a limit of time that is one of ours.
(() => {
  document.querySelectorAll("[data-filter-rows]").forEach((field) => {
    field.addEventListener("input", () => {
      const wanted = field.value.trim().toLowerCase();
      document.getElementById(field.dataset.filterRows).querySelectorAll("[data-name]").forEach((row) => {
        row.hidden = !row.dataset.name.includes(wanted);
      });
    });
    // Enter in the search field finds; it does not start a training.
    field.addEventListener("keydown", (event) => { if (event.key === "Enter") event.preventDefault(); });
  });
  // In a form that was filled from another run, what differs from that run is marked.
  const form = document.getElementById("train");
  const differs = (field) => {
    if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
    return field.tagName === "SELECT" ? [...field.options].some((option) => option.selected !== option.defaultSelected) && field.value !== (field.querySelector("option[selected]")?.value ?? field.options[0]?.value) : field.value !== field.defaultValue;
  };
  // Not form.dataset: a field of that name stands in its place.
  if (form.hasAttribute("data-like")) {
    form.addEventListener("input", ({ target }) => {
      const field = target.closest(".field, .way, .check-row");
      if (field) field.classList.toggle("changed", [...field.querySelectorAll("input:not([type=hidden]), select, textarea")].some(differs));
    });
  }
  // A finding's button ticks what it offers; the plan and the checks follow the form.
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-tick]");
    if (!button) return;
    const values = JSON.parse(button.dataset.values);
    const boxes = document.querySelectorAll(`input[name="${button.dataset.tick}"]`);
    boxes.forEach((box) => { if (values.includes(box.value)) box.checked = true; });
    const trials = document.querySelector("input[name=trials]");
    if (button.dataset.trials && trials && !trials.value) trials.value = button.dataset.trials;
    boxes[0].dispatchEvent(new Event("change", { bubbles: true }));
  });
})();

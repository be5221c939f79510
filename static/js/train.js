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
})();

// The recipe page: steps are moved by buttons, Alt+arrows and dragging; Ctrl+Z undoes; the focus stays with the work.
(() => {
  const editor = document.querySelector("[data-recipe]");
  if (!editor) return;

  function move(from, to) {
    const form = document.getElementById("recipe-move");
    const count = editor.querySelectorAll(".recipe-step").length;
    if (from === to || to < 0 || to >= count) return;
    form.elements.index.value = from;
    form.elements.to.value = to;
    form.requestSubmit();
  }
  const place = (element) => Number(element.closest("[data-place]").dataset.place);
  const canMove = (target) => target.closest?.("[data-sortable] [data-place]");

  document.addEventListener("keydown", (event) => {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (event.altKey && step && canMove(event.target)) {
      event.preventDefault();
      move(place(event.target), place(event.target) + step);
    }
    const typing = event.target.closest?.("input:not([type=checkbox]), textarea, select, dialog");
    if (!typing && (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z") {
      event.preventDefault();
      editor.querySelector(event.shiftKey ? "[data-redo]" : "[data-undo]")?.click();
    }
  });

  // Dragging: the link of a step would drag its address, so the step itself is made draggable.
  let dragged = null;
  function prepare() {
    editor.querySelectorAll("[data-sortable] .recipe-step").forEach((item) => {
      item.draggable = true;
      item.querySelector("a").draggable = false;
    });
  }
  const over = (item) => editor.querySelectorAll(".recipe-step").forEach((other) => other.classList.toggle("over", other === item));
  editor.addEventListener("dragstart", (event) => {
    dragged = event.target.closest(".recipe-step");
    if (!dragged) return;
    dragged.classList.add("dragging");
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", "");
  });
  editor.addEventListener("dragover", (event) => {
    const item = event.target.closest(".recipe-step");
    if (!dragged || !item) return;
    event.preventDefault();
    over(item);
  });
  editor.addEventListener("drop", (event) => {
    const item = event.target.closest(".recipe-step");
    if (!dragged || !item) return;
    event.preventDefault();
    move(place(dragged), place(item));
  });
  editor.addEventListener("dragend", () => {
    dragged?.classList.remove("dragging");
    dragged = null;
    over(null);
  });

  // The menu of steps: typing narrows it, the arrows walk through what is left, Enter adds the first.
  const choices = () => [...editor.querySelectorAll(".recipe-choice:not([hidden])")].filter((each) => !each.closest("[hidden]"));
  function narrow(field) {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    editor.querySelectorAll("[data-recipe-group]").forEach((group) => {
      const title = group.getAttribute("aria-label").toLowerCase();
      const found = [...group.querySelectorAll(".recipe-choice")].filter((choice) => {
        const text = `${title} ${choice.textContent.toLowerCase()}`;
        choice.hidden = !words.every((word) => text.includes(word));
        return !choice.hidden;
      });
      group.hidden = !found.length;
    });
    editor.querySelector("[data-recipe-none]").hidden = choices().length > 0;
  }
  editor.addEventListener("input", (event) => event.target.matches("[data-recipe-search]") && narrow(event.target));
  editor.addEventListener("keydown", (event) => {
    const search = event.target.matches("[data-recipe-search]");
    if (search && event.key === "Enter") {
      event.preventDefault();
      choices()[0]?.click();
    }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || event.altKey || !(search || event.target.matches(".recipe-choice"))) return;
    event.preventDefault();
    const list = [editor.querySelector("[data-recipe-search]"), ...choices()];
    list[(list.indexOf(event.target) + step + list.length) % list.length]?.focus();
  });
  editor.addEventListener("toggle", (event) => event.target.open && event.target.querySelector("[data-recipe-search]")?.focus(), true);

  // After a change the focus goes to the step that was moved, added or left, else stays on the same control.
  // What is being typed while an answer comes outlives it, and is sent when the field is left.
  let pressed = "", typed = null;
  editor.addEventListener("htmx:beforeRequest", () => { pressed = document.activeElement?.id || ""; });
  editor.addEventListener("htmx:beforeSwap", () => {
    const field = document.activeElement;
    const isTyped = field?.matches("input[type=text], input[type=number], textarea") && field.value !== field.defaultValue;
    typed = isTyped ? { id: field.id, value: field.value } : null;
  });
  function restore() {
    const field = typed && document.getElementById(typed.id);
    if (!field || field.value === typed.value) return;
    field.value = typed.value;
    field.focus();
    field.addEventListener("blur", () => field.dispatchEvent(new Event("change", { bubbles: true })), { once: true });
  }
  editor.addEventListener("htmx:afterSettle", () => {
    prepare();
    (editor.querySelector("[data-focus]") || (pressed ? document.getElementById(pressed) : null))?.focus();
    restore();
  });
  prepare();
})();

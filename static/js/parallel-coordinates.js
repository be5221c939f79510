// Parallel coordinates: one line a trial or run, one axis a setting. docs/pages.md says what it reads.
(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const TOP = 34, HEIGHT = 240, BELOW = 26, EDGE = 46, LEAST = 92, GRADES = 5, STEP = 0.05;
  // What was chosen on the axes outlives the element: a live page is swapped every few seconds.
  const chosen = new Map();

  function make(tag, attributes = {}, text = "") {
    const node = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    if (text) node.textContent = text;
    return node;
  }

  function short(value) {
    if (typeof value !== "number") return String(value);
    const size = Math.abs(value);
    return size !== 0 && (size < 1e-3 || size >= 1e6) ? value.toExponential(1) : String(Number(value.toPrecision(3)));
  }

  class Axis {
    constructor(spec, values) {
      Object.assign(this, spec);
      const numbers = values.filter((value) => typeof value === "number");
      this.low = Math.min(...numbers);
      this.high = Math.max(...numbers);
      this.log = this.log && this.low > 0;
      this.range = [0, 1];
    }

    // From 0 at the bottom to 1 at the top; null where the line has no value here.
    place(value) {
      if (value === null || value === undefined) return null;
      if (this.choices) return this.choices.length > 1 ? this.choices.indexOf(String(value)) / (this.choices.length - 1) : 0.5;
      if (!(this.high > this.low)) return 0.5;
      const f = this.log ? Math.log : Number;
      return (f(value) - f(this.low)) / (f(this.high) - f(this.low));
    }

    at(place) {
      if (this.choices) return this.choices[Math.round(place * (this.choices.length - 1))];
      if (!(this.high > this.low)) return this.low;
      return this.log ? this.low * (this.high / this.low) ** place : this.low + place * (this.high - this.low);
    }

    ticks() {
      if (this.choices) return this.choices.map((choice) => [this.place(choice), choice]);
      return (this.high > this.low ? [0, 0.25, 0.5, 0.75, 1] : [0.5]).map((place) => [place, short(this.at(place))]);
    }

    get narrowed() { return this.range[0] > 0 || this.range[1] < 1; }

    holds(value) {
      if (!this.narrowed) return true;
      const place = this.place(value);
      return place !== null && place >= this.range[0] - 1e-9 && place <= this.range[1] + 1e-9;
    }
  }

  class Parallel {
    constructor(element) {
      this.element = element;
      this.key = element.dataset.parallel;
      const data = JSON.parse(document.getElementById(this.key).textContent);
      Object.assign(this, { lines: data.lines, words: data.words, title: data.title });
      this.axes = data.axes.map((axis, i) => new Axis(axis, data.lines.map((line) => line.values[i])));
      for (const axis of this.axes) axis.range = chosen.get(this.key)?.[axis.name] || [0, 1];
      this.grade(data);
      this.build();
      new ResizeObserver(() => this.draw()).observe(this.box);
    }

    // Fifths by the axis that grades: the best are drawn last, on top, and strongest.
    grade({ grade, smaller = true }) {
      const at = this.axes.findIndex((axis) => axis.name === grade);
      const scored = this.lines.filter((line) => !line.muted && typeof line.values[at] === "number");
      scored.sort((a, b) => (smaller ? 1 : -1) * (a.values[at] - b.values[at]));
      scored.forEach((line, i) => { line.grade = 1 + Math.floor((i * GRADES) / scored.length); });
      this.order = [...this.lines.filter((line) => !line.grade), ...scored.reverse()];
    }

    build() {
      this.box = Object.assign(document.createElement("div"), { className: "parallel-box" });
      this.note = Object.assign(document.createElement("span"), { className: "muted small" });
      this.note.setAttribute("role", "status");
      this.reset = Object.assign(document.createElement("button"), { type: "button", className: "btn btn-sm", textContent: this.words.reset, hidden: true });
      this.reset.addEventListener("click", () => { this.axes.forEach((axis) => { axis.range = [0, 1]; }); this.draw(); this.box.querySelector("[role=slider]")?.focus(); });
      const bar = Object.assign(document.createElement("div"), { className: "row-line parallel-bar" });
      bar.append(this.note, this.reset);
      this.element.replaceChildren(this.box, bar);
    }

    draw() {
      const focused = this.box.contains(document.activeElement) ? document.activeElement.dataset.handle : null;
      const width = Math.max(this.box.clientWidth, 2 * EDGE + LEAST * (this.axes.length - 1));
      const gap = this.axes.length > 1 ? (width - 2 * EDGE) / (this.axes.length - 1) : 0;
      this.x = (i) => EDGE + i * gap;
      this.y = (place) => (place === null ? TOP + HEIGHT + 14 : TOP + HEIGHT * (1 - place));
      const svg = make("svg", { width, height: TOP + HEIGHT + BELOW, role: "group", "aria-label": this.title });
      svg.append(this.drawLines(), ...this.axes.map((axis, i) => this.drawAxis(axis, i, gap)));
      this.box.replaceChildren(svg);
      if (focused) this.box.querySelector(`[data-handle="${focused}"]`)?.focus();
      this.apply();
    }

    drawLines() {
      const group = make("g", { "aria-hidden": "true" });
      for (const line of this.order) {
        const points = this.axes.map((axis, i) => `${this.x(i).toFixed(1)},${this.y(axis.place(line.values[i])).toFixed(1)}`);
        line.path = make("polyline", { points: points.join(" "), class: `parallel-line ${line.grade ? `grade-${line.grade}` : "grade-none"}` });
        line.path.append(make("title", {}, line.label));
        line.path.addEventListener("click", () => { if (line.url) window.location.assign(line.url); });
        group.append(line.path);
      }
      return group;
    }

    drawAxis(axis, i, gap) {
      const x = this.x(i);
      const group = make("g", { class: "parallel-axis" });
      const wide = Math.max(8, Math.floor((gap || 200) / 6.6));
      const name = axis.label.length > wide ? `${axis.label.slice(0, wide - 1)}…` : axis.label;
      const label = make("text", { x, y: 14, "text-anchor": "middle", class: "parallel-name" }, name);
      label.append(make("title", {}, axis.label));
      const track = make("rect", { x: x - 12, y: TOP, width: 24, height: HEIGHT, class: "parallel-track" });
      this.drag(track, axis);
      group.append(label, make("line", { x1: x, x2: x, y1: TOP, y2: TOP + HEIGHT }));
      for (const [place, word] of axis.ticks()) {
        group.append(make("text", { x: x + 12, y: this.y(place) + 3.5, class: "parallel-tick" }, word.length > 12 ? `${word.slice(0, 11)}…` : word));
      }
      const [low, high] = axis.range;
      group.append(make("rect", { x: x - 4, y: this.y(high), width: 8, height: Math.max(0, this.y(low) - this.y(high)), class: axis.narrowed ? "parallel-range" : "parallel-range parallel-whole" }), track);
      group.append(this.handle(axis, i, 0), this.handle(axis, i, 1));
      return group;
    }

    handle(axis, i, end) {
      const place = axis.range[end];
      const node = make("rect", {
        x: this.x(i) - 9, y: this.y(place) - 4, width: 18, height: 8, rx: 3, class: "parallel-handle", tabindex: 0, role: "slider",
        "aria-orientation": "vertical", "aria-label": `${axis.label}: ${end ? this.words.highest : this.words.lowest}`,
        "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": Math.round(place * 100), "aria-valuetext": short(axis.at(place)),
        "data-handle": `${i}-${end}`,
      });
      node.addEventListener("keydown", (event) => this.key_(event, axis, end));
      this.drag(node, axis, end);
      return node;
    }

    key_(event, axis, end) {
      const step = axis.choices && axis.choices.length > 1 ? 1 / (axis.choices.length - 1) : STEP;
      const moves = { ArrowUp: step, ArrowRight: step, ArrowDown: -step, ArrowLeft: -step, PageUp: 4 * step, PageDown: -4 * step, Home: -1, End: 1 };
      if (event.key === "Escape") axis.range = [0, 1];
      else if (event.key in moves) this.move(axis, end, axis.range[end] + moves[event.key]);
      else return;
      event.preventDefault();
      this.draw();
    }

    move(axis, end, place) {
      const kept = Math.min(1, Math.max(0, Math.round(place * 1000) / 1000));
      axis.range = end ? [axis.range[0], Math.max(kept, axis.range[0])] : [Math.min(kept, axis.range[1]), axis.range[1]];
    }

    // On the axis: a new range from where the pointer went down. On a handle: that end.
    drag(node, axis, end = null) {
      node.addEventListener("pointerdown", (down) => {
        down.preventDefault();
        this.element.dataset.dragging = "";
        const frame = this.box.getBoundingClientRect();
        const place = (event) => Math.min(1, Math.max(0, 1 - (event.clientY - frame.top - TOP) / HEIGHT));
        const from = place(down);
        const go = (event) => {
          if (end === null) axis.range = [Math.min(from, place(event)), Math.max(from, place(event))];
          else this.move(axis, end, place(event));
          this.draw();
        };
        const done = () => {
          delete this.element.dataset.dragging;
          // A click without a drag takes the whole axis again.
          if (end === null && axis.range[1] - axis.range[0] < 0.01) axis.range = [0, 1];
          this.draw();
          window.removeEventListener("pointermove", go);
          window.removeEventListener("pointerup", done);
        };
        window.addEventListener("pointermove", go);
        window.addEventListener("pointerup", done);
      });
    }

    // Lines and rows of the table outside of the chosen ranges step back; the words say how many are left.
    apply() {
      chosen.set(this.key, Object.fromEntries(this.axes.map((axis) => [axis.name, axis.range])));
      const rows = new Map([...document.querySelectorAll(`#${this.element.dataset.parallelRows || "none"} [data-line]`)].map((row) => [row.dataset.line, row]));
      let left = 0;
      for (const line of this.lines) {
        const inside = this.axes.every((axis, i) => axis.holds(line.values[i]));
        left += inside;
        line.path.classList.toggle("parallel-off", !inside);
        const row = rows.get(String(line.id));
        if (row) row.hidden = !inside;
      }
      this.reset.hidden = !this.axes.some((axis) => axis.narrowed);
      this.note.textContent = this.words.shown.replace("%(shown)s", left).replace("%(all)s", this.lines.length);
    }
  }

  const start = (root) => root.querySelectorAll("[data-parallel]").forEach((element) => { element.parallel ||= new Parallel(element); });
  document.addEventListener("htmx:load", ({ detail }) => start(detail.elt));
  start(document);
})();

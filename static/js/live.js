// Live curves: server-sent events drawn with uPlot. docs/pages.md says what the stream sends.
(() => {
  const words = document.getElementById("words").dataset;
  const PALETTE = 6;

  class Curve {
    constructor(element) {
      this.element = element;
      this.title = element.dataset.curveTitle || "";
      this.names = (element.dataset.curveSeries || "").split(" ").filter(Boolean);
      this.fixed = this.names.length > 0;
      this.points = new Map(); // step → {name: value}
      this.shown = {};
      this.log = false;
      this.smoothing = 0;
      this.build();
      this.listen();
    }

    build() {
      const id = `curve-${Math.random().toString(36).slice(2, 8)}`;
      this.element.innerHTML = `
        <div class="curve-bar"><div class="curve-legend"></div>
          <div class="curve-controls">
            <label><input type="checkbox" class="form-check-input" data-part="log"> <span></span></label>
            <label><span></span> <input type="range" min="0" max="0.98" step="0.02" value="0" data-part="smooth"></label>
            <button class="btn btn-sm" type="button" data-part="table" aria-expanded="false" aria-controls="${id}"></button>
          </div></div>
        <div class="curve-plot" role="img"></div>
        <div class="table-wrap table-tall" id="${id}" tabindex="0" role="region" hidden><table class="data"><thead></thead><tbody></tbody></table></div>`;
      const part = (name) => this.element.querySelector(`[data-part=${name}]`);
      this.plotBox = this.element.querySelector(".curve-plot");
      this.tableBox = this.element.querySelector(".table-wrap");
      this.plotBox.setAttribute("aria-label", this.title);
      this.tableBox.setAttribute("aria-label", this.title);
      part("log").nextElementSibling.textContent = words.logAxis;
      part("smooth").previousElementSibling.textContent = words.smoothing;
      part("table").textContent = words.table;
      part("log").addEventListener("change", (e) => { this.log = e.target.checked; this.redraw(true); });
      part("smooth").addEventListener("input", (e) => { this.smoothing = Number(e.target.value); this.redraw(); });
      part("table").addEventListener("click", (e) => {
        this.tableBox.hidden = !this.tableBox.hidden;
        e.target.setAttribute("aria-expanded", !this.tableBox.hidden);
        this.fillTable();
      });
      document.addEventListener("atrium:theme", () => this.redraw(true));
      new ResizeObserver(() => this.plot?.setSize(this.size())).observe(this.plotBox);
    }

    listen() {
      this.source = new EventSource(this.element.dataset.curveSrc);
      const on = (name, handle) => this.source.addEventListener(name, (event) => handle(JSON.parse(event.data || "{}")));
      on("metrics", (data) => this.add([].concat(data)));
      on("end", (data) => { this.source.close(); this.hand("end", data); });
      for (const name of ["state", "progress", "log"]) on(name, (data) => this.hand(name, data));
      window.addEventListener("pagehide", () => this.source.close());
    }

    hand(name, detail) {
      this.element.dispatchEvent(new CustomEvent(`live:${name}`, { detail, bubbles: true }));
    }

    add(records) {
      let fresh = false;
      for (const { step, values } of records) {
        this.points.set(step, { ...this.points.get(step), ...values });
        for (const name of Object.keys(values)) {
          if (!this.fixed && !this.names.includes(name) && this.names.length < PALETTE) { this.names.push(name); fresh = true; }
        }
      }
      // At most ten drawings a second, however fast the points arrive.
      this.rebuild ||= fresh;
      this.timer ||= setTimeout(() => { this.timer = 0; this.redraw(this.rebuild); this.rebuild = false; }, 100);
    }

    columns() {
      const steps = [...this.points.keys()].sort((a, b) => a - b);
      return [steps, ...this.names.map((name) => this.smooth(steps.map((s) => this.points.get(s)[name] ?? null)))];
    }

    // Exponential moving average, bias-corrected, so that the first points are not pulled towards zero.
    smooth(values) {
      if (!this.smoothing) return values.map((v) => (this.log && v <= 0 ? null : v));
      let mean = 0, weight = 0;
      return values.map((v) => {
        if (v === null) return null;
        mean = this.smoothing * mean + (1 - this.smoothing) * v;
        weight = this.smoothing * weight + (1 - this.smoothing);
        return this.log && mean <= 0 ? null : mean / weight;
      });
    }

    size() {
      return { width: Math.max(this.plotBox.clientWidth, 200), height: Number(this.element.dataset.curveHeight || 260) };
    }

    redraw(rebuild = false) {
      const data = this.columns();
      if (rebuild || !this.plot) {
        this.plot?.destroy();
        this.plot = new uPlot(this.options(), data, this.plotBox);
        this.drawLegend();
      } else this.plot.setData(data);
      if (!this.tableBox.hidden) this.fillTable();
    }

    options() {
      const css = getComputedStyle(document.documentElement);
      const colour = (name) => css.getPropertyValue(name).trim();
      const axis = { stroke: colour("--a-muted"), font: "11px Inter, sans-serif", ticks: { stroke: colour("--a-line"), size: 4 }, grid: { stroke: colour("--a-line"), width: 1 } };
      // Dashes beside colours: the lines can be told apart in grey.
      const dashes = [[], [6, 4], [2, 3], [10, 4, 2, 4], [1, 4], [12, 6]];
      return {
        ...this.size(),
        cursor: { drag: { x: true, y: false } },
        legend: { show: false },
        scales: { x: { time: false }, y: this.log ? { distr: 3 } : {} },
        axes: [{ ...axis, size: 28 }, { ...axis, size: 58, values: (u, ticks) => ticks.map((t) => (t === null ? "" : shortNumber(t))) }],
        series: [{}, ...this.names.map((name, i) => ({ label: name, stroke: colour(`--a-series-${(i % PALETTE) + 1}`), width: 1.75, dash: dashes[i % PALETTE], spanGaps: true, points: { show: false }, show: this.shown[name] !== false }))],
      };
    }

    drawLegend() {
      const legend = this.element.querySelector(".curve-legend");
      const dashes = ["", "6 4", "2 3", "10 4 2 4", "1 4", "12 6"];
      legend.replaceChildren(...this.names.map((name, i) => {
        const key = document.createElement("button");
        key.type = "button";
        key.className = "curve-key";
        key.setAttribute("aria-pressed", this.shown[name] !== false);
        key.innerHTML = `<svg width="22" height="8" class="series-${(i % PALETTE) + 1}" aria-hidden="true"><line x1="0" y1="4" x2="22" y2="4" stroke="currentColor" stroke-width="2" stroke-dasharray="${dashes[i % PALETTE]}"/></svg><span></span>`;
        key.lastElementChild.textContent = name.replaceAll("_", " ");
        key.addEventListener("click", () => { this.shown[name] = this.shown[name] === false; this.redraw(true); });
        return key;
      }));
    }

    fillTable() {
      const [steps, ...columns] = this.columns();
      const row = (tag, cells) => {
        const tr = document.createElement("tr");
        tr.append(...cells.map((cell) => Object.assign(document.createElement(tag), { textContent: cell, className: "num" })));
        return tr;
      };
      this.tableBox.querySelector("thead").replaceChildren(row("th", [words.step, ...this.names.map((n) => n.replaceAll("_", " "))]));
      // The twin shows the last thousand steps; the API has them all.
      const from = Math.max(steps.length - 1000, 0);
      this.tableBox.querySelector("tbody").replaceChildren(
        ...steps.slice(from).map((step, i) => row("td", [step, ...columns.map((c) => (c[from + i] === null ? "–" : shortNumber(c[from + i])))])).reverse());
    }
  }

  function shortNumber(value) {
    const size = Math.abs(value);
    return size !== 0 && (size < 1e-3 || size >= 1e6) ? value.toExponential(1) : String(Number(value.toPrecision(4)));
  }

  document.querySelectorAll("[data-curve-src]").forEach((element) => { element.curve = new Curve(element); });
})();

// Live curves: server-sent events drawn with uPlot. docs/pages.md says what the stream sends.
(() => {
  const words = document.getElementById("words").dataset;
  const charts = window.atriumCharts;

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
            <button class="btn btn-sm" type="button" data-part="png"><i class="ti ti-photo-down" aria-hidden="true"></i>PNG</button>
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
      part("png").addEventListener("click", () => this.plot && charts.png(this.plot, this.title, this.names.map((label, i) => ({ label: label.replaceAll("_", " "), ...charts.look(i) }))));
      document.addEventListener("atrium:theme", () => this.redraw(true));
      new ResizeObserver(() => this.plot?.setSize(this.size())).observe(this.plotBox);
    }

    listen() {
      this.source = new EventSource(this.element.dataset.curveSrc);
      const on = (name, handle) => this.source.addEventListener(name, (event) => handle(JSON.parse(event.data || "{}")));
      on("metrics", (data) => this.add([].concat(data)));
      on("end", (data) => { this.source.close(); this.hand("end", data); });
      for (const name of ["state", "progress", "log", "usage"]) on(name, (data) => this.hand(name, data));
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
          if (!this.fixed && !this.names.includes(name) && this.names.length < charts.PALETTE) { this.names.push(name); fresh = true; }
        }
      }
      // At most ten drawings a second, however fast the points arrive.
      this.rebuild ||= fresh;
      this.timer ||= setTimeout(() => { this.timer = 0; this.redraw(this.rebuild); this.rebuild = false; }, 100);
    }

    columns() {
      const steps = [...this.points.keys()].sort((a, b) => a - b);
      return [steps, ...this.names.map((name) => charts.smooth(steps.map((s) => this.points.get(s)[name] ?? null), this.smoothing, this.log))];
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
      const axis = charts.axis();
      return {
        ...this.size(),
        cursor: { drag: { x: true, y: false } },
        legend: { show: false },
        scales: { x: { time: false }, y: this.log ? { distr: 3 } : {} },
        axes: [{ ...axis, size: 28 }, { ...axis, size: 58, values: charts.ticks }],
        series: [{}, ...this.names.map((name, i) => {
          const { series, dash } = charts.look(i);
          return { label: name, stroke: charts.colour(`--a-series-${series}`), width: 1.75, dash, spanGaps: true, points: { show: false }, show: this.shown[name] !== false };
        })],
      };
    }

    drawLegend() {
      const legend = this.element.querySelector(".curve-legend");
      legend.replaceChildren(...this.names.map((name, i) => {
        const key = document.createElement("button");
        key.type = "button";
        key.className = "curve-key";
        key.setAttribute("aria-pressed", this.shown[name] !== false);
        key.innerHTML = `${charts.swatch(charts.look(i))}<span></span>`;
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
        ...steps.slice(from).map((step, i) => row("td", [step, ...columns.map((c) => charts.short(c[from + i]))])).reverse());
    }
  }

  document.querySelectorAll("[data-curve-src]").forEach((element) => { element.curve = new Curve(element); });
})();

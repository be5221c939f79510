// Runs beside each other: one metric's curves, fetched as they are chosen, and a table that sorts, pins and hides.
// Everything that is chosen stands in the address, so that a copied link shows the same.
(() => {
  const charts = window.atriumCharts;
  const page = document.getElementById("compare");
  const box = document.getElementById("compare-curve");
  const twin = document.getElementById("compare-twin");
  const table = document.querySelector("#compare-runs table");
  const words = page.dataset;
  const part = (name) => page.querySelector(`[data-part="${name}"]`);
  const rows = [...table.tBodies[0].rows];
  const runs = rows.map((row, i) => ({ id: row.dataset.line, name: row.dataset.name, row, look: charts.look(i), box: row.querySelector("[data-show]") }));
  const address = new URLSearchParams(window.location.search);
  const list = (name) => (address.get(name) || "").split(",").filter(Boolean);
  const answers = new Map(); // metric → the API's answer, read
  const state = {
    metric: address.get("metric") || "", smooth: Number(address.get("smooth")) || 0, log: address.get("log") === "1",
    logx: address.get("logx") === "1", clip: address.get("clip") === "1", sort: address.get("sort") || "", pin: list("pin"), hide: new Set(list("hide")),
  };
  let plot = null;

  function remember() {
    const kept = { metric: state.metric, smooth: state.smooth || "", log: state.log ? "1" : "", logx: state.logx ? "1" : "", clip: state.clip ? "1" : "", sort: state.sort, pin: state.pin.join(","), hide: [...state.hide].join(",") };
    for (const [name, value] of Object.entries(kept)) if (value) address.set(name, value); else address.delete(name);
    history.replaceState(null, "", `?${address.toString().replaceAll("%2C", ",")}`);
    document.querySelectorAll("[data-keeps-query]").forEach((field) => { field.value = address.toString(); });
    part("csv").href = `${words.src}&as=csv&metric=${encodeURIComponent(state.metric)}`;
  }

  // Curves.
  function read(answer) {
    for (const run of answer.runs) {
      let at = 0;
      run.steps = run.steps.map((apart) => (at += apart));
    }
    return answer;
  }

  async function fetched(metric) {
    if (!answers.has(metric)) {
      const response = await fetch(`${words.src}&metric=${encodeURIComponent(metric)}`);
      if (!response.ok) { window.atrium.toast(words.failed, "error"); return null; }
      const answer = read(await response.json());
      // Runs that ended before curves were kept are read a second's worth at a time; what is there is drawn meanwhile.
      if (answer.pending.length) setTimeout(show, 50);
      else answers.set(metric, answer).set(answer.metric, answer);
      return answer;
    }
    return answers.get(metric);
  }

  async function show() {
    const answer = await fetched(state.metric);
    if (!answer) return;
    state.metric = answer.metric;
    const chooser = part("metric");
    chooser.replaceChildren(...answer.metrics.map((name) => new Option(name.replaceAll("_", " "), name, false, name === answer.metric)));
    part("pending").textContent = answer.pending.length ? words.pending.replace("%s", answer.pending.length) : "";
    box.classList.remove("skeleton-box");
    part("none").hidden = answer.runs.length > 0 || answer.pending.length > 0;
    draw(answer);
    remember();
  }

  function columns(answer) {
    const curves = new Map(answer.runs.map((run) => [run.id, run]));
    const steps = [...new Set(answer.runs.flatMap((run) => run.steps))].sort((a, b) => a - b);
    const place = new Map(steps.map((step, i) => [step, i]));
    const lines = runs.map((run) => {
      const column = new Array(steps.length).fill(undefined);
      const curve = curves.get(run.id);
      if (curve) {
        const values = charts.smooth(curve.values, state.smooth, state.log);
        curve.steps.forEach((step, i) => { column[place.get(step)] = values[i]; });
      }
      return column;
    });
    // A logarithmic axis has no place for step 0.
    return [state.logx ? steps.map((step) => Math.max(step, 0.5)) : steps, ...lines];
  }

  function draw(answer = answers.get(state.metric)) {
    if (!answer) return;
    plot?.destroy();
    const axis = charts.axis();
    const data = columns(answer);
    plot = new uPlot({
      ...size(),
      legend: { show: false },
      focus: { alpha: 0.15 },
      cursor: { focus: { prox: 24 }, drag: { x: true, y: false } },
      scales: { x: { time: false, distr: state.logx ? 3 : 1 }, y: { distr: state.log ? 3 : 1, ...(state.clip ? { range: middle(data.slice(1)) } : {}) } },
      axes: [{ ...axis, size: 28, values: charts.ticks }, { ...axis, size: 58, values: charts.ticks }],
      series: [{}, ...runs.map((run) => ({
        label: run.name, stroke: charts.colour(`--a-series-${run.look.series}`), width: runs.length > 12 ? 1.25 : 1.75, dash: run.look.dash,
        spanGaps: true, points: { show: false }, show: !state.hide.has(run.id.slice(0, 8)),
      }))],
      hooks: { setSeries: [(u, i, options) => { if (options && "focus" in options) point(i === null ? null : i - 1); }], setCursor: [tell] },
    }, data, box);
    fill(answer);
    page.dataset.drawn = answer.metric;
  }

  // Where all but the lowest and highest hundredth of the points lie.
  function middle(lines) {
    const values = Float64Array.from(lines.flatMap((line) => line.filter((v) => v !== undefined && v !== null))).sort();
    const at = (share) => values[Math.round(share * (values.length - 1))];
    return values.length ? [at(0.01), at(0.99)] : [0, 1];
  }

  const size = () => ({ width: Math.max(box.clientWidth, 200), height: 340 });

  // The line under the pointer: its row is marked, its name and value are said.
  let pointed = null;
  function point(i) {
    runs.forEach((run, k) => run.row.classList.toggle("pointed", k === i));
    pointed = i;
  }
  function tell(u) {
    const out = part("readout");
    if (pointed === null || u.cursor.idx === null) { out.textContent = ""; return; }
    const data = u.data[pointed + 1];
    let at = u.cursor.idx;
    while (at > 0 && data[at] === undefined) at -= 1;
    out.textContent = data[at] === undefined ? "" : `${runs[pointed].name}: ${charts.short(data[at])} · ${words.step} ${Math.round(u.data[0][at])}`;
  }

  // The table twin of the chart.
  function fill(answer) {
    if (twin.hidden) return;
    const named = new Map(runs.map((run) => [run.id, run.name]));
    twin.querySelector("tbody").replaceChildren(...answer.runs.map(({ id, steps, values }) => {
      const row = document.createElement("tr");
      const cells = [named.get(id), values[0], values.at(-1), values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b)), steps.at(-1)];
      row.append(...cells.map((value, i) => Object.assign(document.createElement(i ? "td" : "th"), { className: i ? "num" : "", textContent: i ? charts.short(value) : value })));
      return row;
    }));
  }

  part("metric").addEventListener("change", ({ target }) => { state.metric = target.value; show(); });
  part("smooth").addEventListener("input", ({ target }) => { state.smooth = Number(target.value); draw(); remember(); });
  for (const name of ["log", "logx", "clip"]) part(name).addEventListener("change", ({ target }) => { state[name] = target.checked; draw(); remember(); });
  part("png").addEventListener("click", () => plot && charts.png(plot, state.metric.replaceAll("_", " "), runs.filter((run) => !state.hide.has(run.id.slice(0, 8))).map((run) => ({ label: run.name, ...run.look }))));
  part("twin").addEventListener("click", ({ target }) => {
    twin.hidden = !twin.hidden;
    target.setAttribute("aria-expanded", !twin.hidden);
    fill(answers.get(state.metric) || { runs: [] });
  });
  part("smooth").value = state.smooth;
  part("log").checked = state.log;
  part("logx").checked = state.logx;
  part("clip").checked = state.clip;

  // Rows: the swatch is the legend, the box shows or hides the curve.
  const shown = (run) => {
    const show_ = !state.hide.has(run.id.slice(0, 8));
    run.box.checked = show_;
    run.row.classList.toggle("off", !show_);
  };
  runs.forEach((run, i) => {
    run.row.querySelector(".swatch").innerHTML = charts.swatch(run.look);
    shown(run);
    run.box.addEventListener("change", () => {
      const key = run.id.slice(0, 8);
      if (run.box.checked) state.hide.delete(key); else state.hide.add(key);
      shown(run);
      plot?.setSeries(i + 1, { show: run.box.checked });
      remember();
    });
    run.row.addEventListener("mouseenter", () => plot?.setSeries(i + 1, { focus: true }));
    run.row.addEventListener("mouseleave", () => plot?.setSeries(null, { focus: true }));
  });
  part("all").addEventListener("change", ({ target }) => {
    state.hide = new Set(target.checked ? [] : runs.map((run) => run.id.slice(0, 8)));
    runs.forEach(shown);
    draw();
    remember();
  });
  part("all").checked = state.hide.size === 0;
  part("find").addEventListener("input", ({ target }) => {
    const wanted = target.value.trim().toLowerCase();
    runs.forEach((run) => { run.row.hidden = !run.row.textContent.toLowerCase().includes(wanted); });
  });

  // Columns: sorted by their heads, pinned beside the names, shares of the largest as bars in the cells.
  const heads = [...table.tHead.rows[0].cells];
  const cellOf = (row, column) => row.querySelector(`[data-c="${column}"]`);
  function valueOf(row, column) {
    const cell = cellOf(row, column);
    const number = Number(cell.dataset.v ?? cell.textContent.replaceAll(",", "").replace("−", "-"));
    return cell.classList.contains("num") ? (Number.isNaN(number) ? null : number) : cell.textContent.trim().toLowerCase();
  }
  function sort() {
    const down = state.sort.startsWith("-");
    const column = state.sort.replace("-", "");
    const head = heads.find((cell) => cell.dataset.c === column);
    heads.forEach((cell) => { if (cell.querySelector("[data-sort]")) cell.setAttribute("aria-sort", cell === head ? (down ? "descending" : "ascending") : "none"); });
    const sorted = [...rows];
    if (head) {
      sorted.sort((a, b) => {
        const [x, y] = [valueOf(a, column), valueOf(b, column)];
        if (x === y) return 0;
        if (x === null || y === null) return x === null ? 1 : -1; // what has no value comes last, either way
        return (x < y ? -1 : 1) * (down ? -1 : 1);
      });
    }
    table.tBodies[0].append(...sorted);
  }
  function pin() {
    state.pin = state.pin.filter((column) => heads.some((cell) => cell.dataset.c === column));
    const order = [...heads].sort((a, b) => rank(a) - rank(b));
    for (const row of [table.tHead.rows[0], ...rows]) {
      row.append(...order.map((head) => cellOf(row, head.dataset.c)));
      let left = 0;
      order.forEach((head) => {
        const cell = cellOf(row, head.dataset.c), pinned = rank(head) < 1000;
        cell.classList.toggle("pinned", pinned);
        cell.style.left = pinned ? `${left}px` : "";
        if (pinned) left += head.offsetWidth;
      });
    }
    heads.forEach((head) => head.querySelector("[data-pin]")?.setAttribute("aria-pressed", state.pin.includes(head.dataset.c)));
  }
  function rank(head) {
    if (head.dataset.c === "name") return 0;
    const at = state.pin.indexOf(head.dataset.c);
    return at >= 0 ? 1 + at : 1000 + heads.indexOf(head);
  }
  function bars() {
    for (const head of heads.filter((cell) => cell.dataset.bar)) {
      const values = rows.map((row) => valueOf(row, head.dataset.c));
      const known = values.filter((value) => value !== null);
      // From a little below the smallest: bars are for telling rows apart, the figures for how much.
      const high = Math.max(...known), least = Math.min(...known), low = least - 0.15 * (high - least);
      rows.forEach((row, i) => {
        if (values[i] === null || !(high > low)) return;
        const cell = cellOf(row, head.dataset.c);
        cell.classList.add("bar");
        cell.style.setProperty("--share", ((values[i] - low) / (high - low)).toFixed(3));
      });
    }
  }
  table.tHead.addEventListener("click", ({ target }) => {
    const column = target.closest("th")?.dataset.c;
    if (target.closest("[data-sort]")) {
      state.sort = state.sort === column ? `-${column}` : state.sort === `-${column}` ? "" : column;
      sort();
    } else if (target.closest("[data-pin]")) {
      state.pin = state.pin.includes(column) ? state.pin.filter((name) => name !== column) : [...state.pin, column];
      pin();
    } else return;
    remember();
  });

  document.addEventListener("atrium:theme", () => draw());
  new ResizeObserver(() => plot?.setSize(size())).observe(box);
  sort();
  bars();
  pin();
  remember();
  show();
})();

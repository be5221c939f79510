// The live page of a run: progress, time left, standings, resources and log as they come; the result at the end.
(() => {
  const charts = window.atriumCharts;
  const head = document.getElementById("run-head");
  const board = document.getElementById("leaderboard");
  const live = head.dataset.liveRun !== undefined;

  function left(seconds) {
    if (seconds < 60) return `${seconds} s`;
    const minutes = Math.floor(seconds / 60);
    return minutes < 60 ? `${minutes} min ${String(seconds % 60).padStart(2, "0")} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  }

  document.addEventListener("live:state", ({ detail }) => {
    // The end has an event of its own, which brings the whole page anew.
    if (!live || ["succeeded", "stopped", "failed", "cancelled"].includes(detail.state)) return;
    if (String(detail.standings) !== board.dataset.standings) {
      board.dataset.standings = detail.standings;
      htmx.trigger(board, "refresh");
    }
    if (detail.state !== head.dataset.liveRun || detail.signal !== head.dataset.liveSignal) {
      Object.assign(head.dataset, { liveRun: detail.state, liveSignal: detail.signal });
      htmx.trigger(head, "refresh");
      return;
    }
    const bar = head.querySelector("progress");
    if (bar) bar.value = detail.progress;
    const note = head.querySelector(".progress-note span");
    if (note) note.textContent = detail.note;
    const eta = head.querySelector("[data-live=eta]");
    if (eta) eta.textContent = detail.eta_seconds === null ? "" : eta.dataset.left.replace("%s", left(detail.eta_seconds));
  });

  document.addEventListener("live:end", () => {
    if (live) window.location.reload();
  });

  // The log: searched, narrowed to what is grave enough, and followed to its end.
  const log = document.getElementById("run-log");
  const part = (name) => document.querySelector(`[data-log="${name}"]`);
  const GRAVITY = ["debug", "info", "warning", "error"];
  const fits = (line) => line.dataset.name.includes(part("find").value.trim().toLowerCase()) && GRAVITY.indexOf(line.dataset.level) >= GRAVITY.indexOf(part("level").value);
  const follow = () => { if (part("follow").checked) log.scrollTop = log.scrollHeight; };
  function narrow() {
    log.querySelectorAll("li").forEach((line) => { line.hidden = !fits(line); });
    follow();
  }
  document.addEventListener("live:log", ({ detail }) => {
    for (const { at, level, message } of detail.lines) {
      const line = document.createElement("li");
      line.className = `log-${level}`;
      Object.assign(line.dataset, { name: message.toLowerCase(), level });
      const time = Object.assign(document.createElement("time"), { dateTime: at, textContent: new Date(at).toLocaleTimeString() });
      line.append(time, Object.assign(document.createElement("span"), { textContent: message }));
      line.hidden = !fits(line);
      log.append(line);
    }
    follow();
  });
  part("find").addEventListener("input", narrow);
  part("level").addEventListener("change", narrow);
  part("follow").addEventListener("change", follow);
  // Whoever scrolls up wants to read; back at the end, the log is followed again.
  log.addEventListener("scroll", () => { part("follow").checked = log.scrollTop + log.clientHeight >= log.scrollHeight - 24; });

  // Resources: a point every few seconds, CPU in per cent of one core.
  const card = document.getElementById("run-usage");
  const points = [];
  const plots = new Map();
  document.addEventListener("live:usage", ({ detail }) => {
    points.push(...detail.points.map((point) => ({ ...point, at: Date.parse(point.at) / 1000 })));
    card.hidden = points.length === 0;
    const last = points.at(-1);
    const say = { cpu: `${Math.round(last.cpu)} %`, memory_mb: `${Math.round(last.memory_mb)} MB`, threads: String(last.threads) };
    for (const [name, text] of Object.entries(say)) card.querySelector(`[data-usage="${name}"]`).textContent = text;
    card.querySelectorAll("[data-usage-plot]").forEach(draw);
    table();
  });
  function draw(box) {
    const name = box.dataset.usagePlot;
    const times = points.map((point) => point.at);
    const data = [times.map((at) => at - times[0]), points.map((point) => point[name])];
    const size = { width: Math.max(box.clientWidth, 120), height: 84 };
    if (plots.has(box)) { plots.get(box).setData(data); return; }
    const axis = charts.axis();
    const stroke = charts.colour(box.dataset.usagePlot === "cpu" ? "--a-series-1" : "--a-series-3");
    plots.set(box, new uPlot({
      ...size, legend: { show: false }, cursor: { show: false }, scales: { x: { time: false }, y: { range: (u, low, high) => [0, Math.max(high * 1.15, 1)] } },
      axes: [{ ...axis, size: 22, values: (u, ticks) => ticks.map((t) => left(Math.round(t))) }, { ...axis, size: 46, space: 28, values: charts.ticks }],
      series: [{}, { stroke, width: 1.5, fill: `color-mix(in srgb, ${stroke} 14%, transparent)`, points: { show: false } }],
    }, data, box));
  }
  function table() {
    card.querySelector("tbody").replaceChildren(...points.slice(-200).reverse().map(({ at, cpu, memory_mb: memory, threads }) => {
      const row = document.createElement("tr");
      row.append(...[new Date(at * 1000).toLocaleTimeString(), Math.round(cpu), memory, threads].map((text) => Object.assign(document.createElement("td"), { className: "num", textContent: text })));
      return row;
    }));
  }
  document.addEventListener("atrium:theme", () => {
    plots.forEach((plot) => plot.destroy());
    plots.clear();
    if (points.length) card.querySelectorAll("[data-usage-plot]").forEach(draw);
  });
})();

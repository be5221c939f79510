// Curves of several runs over each other: one metric at a time, fetched once for each run.
(async () => {
  const entries = [...document.querySelectorAll("[data-run]")];
  const box = document.getElementById("compare-curve");
  const chooser = document.getElementById("compare-metric");
  const dashes = [[], [6, 4], [2, 3], [10, 4, 2, 4], [1, 4], [12, 6]];
  const answers = await Promise.all(entries.map((entry) => fetch(entry.dataset.run).then((r) => (r.ok ? r.json() : { series: {} }))));
  const runs = answers.map((answer) => answer.series);
  const names = [...new Set(runs.flatMap((series) => Object.keys(series)))].sort();
  const first = names.find((name) => name.endsWith("validation_loss")) || names[0];
  chooser.replaceChildren(...names.map((name) => new Option(name.replaceAll("_", " "), name, name === first, name === first)));
  let plot = null;

  function table(metric) {
    const curves = runs.map((series) => series[metric] || { steps: [], values: [] });
    const steps = [...new Set(curves.flatMap((curve) => curve.steps))].sort((a, b) => a - b);
    const place = new Map(steps.map((step, i) => [step, i]));
    return [steps, ...curves.map((curve) => {
      const column = new Array(steps.length).fill(null);
      curve.steps.forEach((step, i) => { column[place.get(step)] = curve.values[i]; });
      return column;
    })];
  }

  function draw() {
    if (!names.length) return;
    const css = getComputedStyle(document.documentElement);
    const colour = (name) => css.getPropertyValue(name).trim();
    const axis = { stroke: colour("--a-muted"), font: "11px Inter, sans-serif", ticks: { stroke: colour("--a-line"), size: 4 }, grid: { stroke: colour("--a-line"), width: 1 } };
    plot?.destroy();
    plot = new uPlot({
      width: Math.max(box.clientWidth, 200), height: 320, legend: { show: false }, scales: { x: { time: false } },
      axes: [{ ...axis, size: 28 }, { ...axis, size: 58 }],
      series: [{}, ...entries.map((entry, i) => ({ label: entry.dataset.name, stroke: colour(`--a-series-${(i % 6) + 1}`), width: 1.75, dash: dashes[Math.floor(i / 6 + i) % 6], spanGaps: true, points: { show: false } }))],
    }, table(chooser.value), box);
  }

  chooser.addEventListener("change", draw);
  document.addEventListener("atrium:theme", draw);
  new ResizeObserver(() => plot?.setSize({ width: Math.max(box.clientWidth, 200), height: 320 })).observe(box);
  draw();
})();

// A study's page: each trial as a dot, over its number or over one parameter, with the best so far as a line.
(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const HEIGHT = 190, LEFT = 52, RIGHT = 10, TOP = 8, BOTTOM = 36;

  function make(tag, attributes = {}, text = "") {
    const node = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    if (text) node.textContent = text;
    return node;
  }

  function short(value) {
    if (typeof value !== "number") return value;
    const size = Math.abs(value);
    return size !== 0 && (size < 1e-3 || size >= 1e5) ? value.toExponential(1) : String(Number(value.toPrecision(3)));
  }

  function scale(values, { log = false, choices = null, whole = false }) {
    if (choices) return { at: (value) => (choices.indexOf(value) + 0.5) / choices.length, ticks: choices.map((choice, i) => [(i + 0.5) / choices.length, choice]) };
    const low = Math.min(...values), high = Math.max(...values), f = log && low > 0 ? Math.log : Number;
    const at = (value) => (high > low ? (f(value) - f(low)) / (f(high) - f(low)) : 0.5);
    const back = (place) => (f === Math.log ? low * (high / low) ** place : low + place * (high - low));
    // Trials are counted: the middle is one of them, or is left out.
    const places = !(high > low) ? [0.5] : whole && (high - low) % 2 ? [0, 1] : [0, 0.5, 1];
    return { at, ticks: places.map((place) => [place, short(back(place))]) };
  }

  function draw(element, chart) {
    const width = Math.max(element.clientWidth, 160);
    const w = width - LEFT - RIGHT, h = HEIGHT - TOP - BOTTOM;
    const svg = make("svg", { width, height: HEIGHT, role: "img", "aria-label": `${chart.title}: ${chart.y.label}`, class: "dots" });
    if (chart.points.length) {
      const x = scale([...chart.points, ...chart.line].map((point) => point[0]), chart.x);
      const y = scale(chart.points.map((point) => point[1]), chart.y);
      const px = (value) => LEFT + w * x.at(value), py = (value) => TOP + h * (1 - y.at(value));
      for (const [place, word] of y.ticks) {
        svg.append(make("line", { x1: LEFT, x2: width - RIGHT, y1: TOP + h * (1 - place), y2: TOP + h * (1 - place), class: "dots-grid" }));
        svg.append(make("text", { x: LEFT - 6, y: TOP + h * (1 - place) + 4, "text-anchor": "end" }, word));
      }
      const wide = Math.floor(w / Math.max(1, x.ticks.length) / 6.2);
      x.ticks.forEach(([place, word]) => {
        const anchor = chart.x.choices ? "middle" : place < 0.25 ? "start" : place > 0.75 ? "end" : "middle";
        const text = make("text", { x: LEFT + w * place, y: HEIGHT - BOTTOM + 15, "text-anchor": anchor }, word.length > wide ? `${word.slice(0, Math.max(1, wide - 1))}…` : word);
        text.append(make("title", {}, word));
        svg.append(text);
      });
      svg.append(make("text", { x: LEFT + w / 2, y: HEIGHT - 5, "text-anchor": "middle", class: "dots-name" }, chart.x.label));
      // The best holds until a better one comes: steps, not slopes.
      const steps = chart.line.flatMap(([n, value], i) => (i ? [`${px(n)},${py(chart.line[i - 1][1])}`, `${px(n)},${py(value)}`] : [`${px(n)},${py(value)}`]));
      if (steps.length) svg.append(make("polyline", { points: steps.join(" "), class: "dots-line" }));
      for (const [at, value, feasible] of chart.points) {
        const dot = feasible ? make("circle", { cx: px(at), cy: py(value), r: 3.5, class: "dot" }) : make("path", { d: `M${px(at) - 3.5},${py(value) - 3.5}l7,7m0,-7l-7,7`, class: "dot-over" });
        dot.append(make("title", {}, `${chart.x.label} ${short(at)}: ${short(value)}`));
        svg.append(dot);
      }
    }
    element.replaceChildren(svg);
  }

  function start(root) {
    const script = document.getElementById("study-charts");
    if (!script) return;
    const charts = JSON.parse(script.textContent);
    root.querySelectorAll("[data-dots]").forEach((element) => {
      if (element.watched) return;
      element.watched = new ResizeObserver(() => draw(element, element.dataset.dots === "best" ? charts.best : charts.slices[element.dataset.dots]));
      element.watched.observe(element);
    });
  }

  // The page stands still while somebody types in it or works on an axis.
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.target.id === "study" && event.target.querySelector("input:focus, [role=slider]:focus, [data-dragging]")) event.preventDefault();
  });
  document.addEventListener("htmx:load", ({ detail }) => start(detail.elt));
  start(document);
})();

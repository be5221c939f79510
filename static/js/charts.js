// What every chart shares: colours of the theme, axes, dashes, smoothing, and export as PNG.
window.atriumCharts = (() => {
  const PALETTE = 6;
  // Dashes beside colours: lines can be told apart in grey. After six the next dash begins, so thirty-six lines differ.
  const DASHES = [[], [6, 4], [2, 3], [10, 4, 2, 4], [1, 4], [12, 6]];
  const style = () => getComputedStyle(document.documentElement);
  const colour = (name) => style().getPropertyValue(name).trim();
  const look = (i) => ({ series: (i % PALETTE) + 1, dash: DASHES[(i < PALETTE ? i : Math.floor(i / PALETTE)) % DASHES.length] });

  function axis() {
    return { stroke: colour("--a-muted"), font: "11px Inter, sans-serif", ticks: { stroke: colour("--a-line"), size: 4 }, grid: { stroke: colour("--a-line"), width: 1 } };
  }

  function short(value) {
    if (value === null || value === undefined) return "–";
    const size = Math.abs(value);
    return size !== 0 && (size < 1e-3 || size >= 1e6) ? value.toExponential(1) : String(Number(value.toPrecision(4)));
  }

  // Exponential moving average, bias-corrected, so that the first points are not pulled towards zero.
  function smooth(values, amount, log) {
    let mean = 0, weight = 0;
    return values.map((v) => {
      if (v === null) return null;
      if (!amount) return log && v <= 0 ? null : v;
      mean = amount * mean + (1 - amount) * v;
      weight = amount * weight + (1 - amount);
      return log && mean <= 0 ? null : mean / weight;
    });
  }

  const ticks = (u, values) => values.map((v) => (v === null ? "" : short(v)));

  function save(blob, name) {
    const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  // The chart on the page's ground, its title above and its keys ([{label, series, dash}]) below.
  function frame(source, width, height, title, keys) {
    const scale = 2, left = 16, top = 36, row = 18;
    const across = Math.max(1, Math.floor(width / 220));
    const canvas = document.createElement("canvas");
    canvas.width = (width + 2 * left) * scale;
    canvas.height = (top + height + 14 + row * Math.ceil(keys.length / across)) * scale;
    const pen = canvas.getContext("2d");
    pen.scale(scale, scale);
    pen.fillStyle = colour("--a-surface");
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.fillStyle = colour("--a-ink");
    pen.font = "600 14px Inter, sans-serif";
    pen.fillText(title, left, 22);
    pen.drawImage(source, left, top, width, height);
    pen.font = "12px Inter, sans-serif";
    keys.forEach(({ label, series, dash }, i) => {
      const x = left + (i % across) * 220, y = top + height + 14 + row * Math.floor(i / across);
      pen.strokeStyle = colour(`--a-series-${series}`);
      pen.lineWidth = 2;
      pen.setLineDash(dash);
      pen.beginPath(); pen.moveTo(x, y - 4); pen.lineTo(x + 22, y - 4); pen.stroke();
      pen.setLineDash([]);
      pen.fillText(label.length > 28 ? `${label.slice(0, 27)}…` : label, x + 28, y);
    });
    return canvas;
  }

  function png(plot, title, keys = []) {
    const drawn = plot.ctx.canvas;
    frame(drawn, plot.width, plot.height, title, keys).toBlob((blob) => save(blob, `${title}.png`), "image/png");
  }

  // An SVG leaves the page without its stylesheet: what was computed is written into a copy.
  function pngOfSvg(svg, title) {
    const copy = svg.cloneNode(true), from = [svg, ...svg.querySelectorAll("*")];
    [copy, ...copy.querySelectorAll("*")].forEach((node, i) => {
      const seen = getComputedStyle(from[i]);
      for (const name of ["fill", "stroke", "stroke-width", "stroke-dasharray", "opacity", "font-size", "font-family", "font-weight", "text-anchor", "paint-order"]) {
        node.setAttribute(name, seen.getPropertyValue(name));
      }
    });
    copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
    const { width, height } = svg.getBoundingClientRect();
    const image = new Image();
    image.addEventListener("load", () => frame(image, width, height, title, []).toBlob((blob) => save(blob, `${title}.png`), "image/png"));
    image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(new XMLSerializer().serializeToString(copy))}`;
  }

  document.addEventListener("click", ({ target }) => {
    const button = target.closest("[data-png-of]");
    const svg = button && document.querySelector(`#${button.dataset.pngOf} svg`);
    if (svg) pngOfSvg(svg, button.dataset.title);
  });

  function swatch({ series, dash }) {
    return `<svg width="22" height="8" class="series-${series}" aria-hidden="true"><line x1="0" y1="4" x2="22" y2="4" stroke="currentColor" stroke-width="2" stroke-dasharray="${dash.join(" ")}"/></svg>`;
  }

  return { PALETTE, look, axis, colour, short, smooth, ticks, png, swatch };
})();

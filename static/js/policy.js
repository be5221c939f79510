// The policy page: sliders read their figures from a table that the server counted, so that nothing waits for it.
(() => {
  const form = document.getElementById("policy-form");
  const field = (name) => form.elements.namedItem(name);
  const band = document.getElementById("band");
  const source = document.getElementById("policy-data");
  const data = source ? JSON.parse(source.textContent) : null;

  // Money is counted in ten-thousandths as whole numbers: nothing is rounded.
  const PLACES = 4, ONE = 10n ** BigInt(PLACES);
  function amount(text) {
    const found = /^\s*([+-]?)(\d*)(?:\.(\d{0,4}))?\s*$/.exec(text);
    if (!found || !(found[2] || found[3])) return null;
    const size = BigInt(found[2] || "0") * ONE + BigInt((found[3] || "").padEnd(PLACES, "0"));
    return found[1] === "-" ? -size : size;
  }
  function money(value, signed) {
    const size = value < 0n ? -value : value;
    const rest = String(size % ONE).padStart(PLACES, "0").replace(/0{1,2}$/, "");
    const whole = String(size / ONE).replace(/\B(?=(\d{3})+$)/g, ",");
    return `${value < 0n ? "−" : signed && value > 0n ? "+" : ""}${whole}.${rest}`;
  }
  const number = (value) => value.toLocaleString("en-US");
  const share = (part, whole) => `${number(part)} (${(whole ? (100 * part) / whole : 0).toFixed(1)} %)`;
  const put = (name, text) => { const out = form.querySelector(`[data-out="${name}"]`); if (out) out.textContent = text; };
  const costs = () => Object.fromEntries([...form.querySelectorAll("[data-cost]")].map((each) => [each.dataset.cost, amount(each.value)]));
  const known = (prices) => Object.values(prices).every((each) => each !== null);

  // The place in the rising grid that is nearest to a number.
  function nearest(value) {
    let low = 0, high = data.grid.length - 1;
    while (low < high) { const mid = (low + high) >> 1; if (data.grid[mid] < value) low = mid + 1; else high = mid; }
    return low > 0 && value - data.grid[low - 1] < data.grid[low] - value ? low - 1 : low;
  }
  const sliders = Object.fromEntries([...form.querySelectorAll("[data-slides]")].map((each) => [each.dataset.slides, each]));
  const at = (name) => Number(sliders[name].value);
  function move(name, place) {
    sliders[name].value = place;
    sliders[name].setAttribute("aria-valuetext", data.grid[place]);
    field(name).value = data.grid[place];
  }

  // [[tn, fp, review], [fn, tp, review]] of a table with the band between two places.
  function counts(table, low, high) {
    return [table.negatives, table.positives].map((above, truth) => {
      const [against, for_, waits] = table.fixed[truth], total = table.totals[truth];
      return [total - above[low] + against, above[high] + for_, above[low] - above[high] + waits];
    });
  }
  function cost([[tn, fp, r0], [fn, tp, r1]], prices) {
    return prices.tn * BigInt(tn) + prices.fp * BigInt(fp) + prices.fn * BigInt(fn) + prices.tp * BigInt(tp) + prices.review * BigInt(r0 + r1);
  }
  const edges = () => (band.checked ? [at("low"), at("high")] : [at("threshold"), at("threshold")]);

  function showThreshold() {
    const [low, high] = edges(), prices = costs();
    const found = counts(data.test, low, high), [[tn, fp, r0], [fn, tp, r1]] = found;
    const cells = { tn, fp, fn, tp, "review-negative": r0, "review-positive": r1 };
    for (const [name, value] of Object.entries(cells)) form.querySelector(`[data-count="${name}"]`).textContent = number(value);
    const { above, totals, ruled } = data.now;
    // Decided against now and for by the draft, and so on: three by three, less what stays.
    const stays = totals[0] - above[0][low] + above[1][high] + above[2][low] - above[2][high];
    put("changed", share(totals[0] + totals[1] + totals[2] - stays + ruled, data.test.rows));
    put("reviewed", share(r0 + r1, data.test.rows));
    showMoney(known(prices) ? cost(found, prices) : null, known(prices) ? cost(data.before, prices) : null);
  }
  function showMoney(now, before) {
    put("money", now === null ? "–" : money(now));
    put("difference", now === null ? "–" : money(now - before, true));
    put("unit", field("cost-unit").value);
  }

  const tenths = (value) => BigInt(Math.round(value * 1e4));
  function regressionCost(over, under, reviewed, prices) {
    return (tenths(over) * prices.over + tenths(under) * prices.under) / ONE + prices.review * BigInt(reviewed);
  }
  function showShift() {
    const place = at("shift"), prices = costs(), ready = known(prices), { before } = data;
    const over = data.over[place] + data.fixed[0], under = data.under[place] + data.fixed[1];
    put("reviewed", share(data.reviewed, data.rows));
    showMoney(ready ? regressionCost(over, under, data.reviewed, prices) : null,
      ready ? regressionCost(before.over, before.under, before.reviewed, prices) : null);
  }
  const show = () => (data.task === "binary" ? showThreshold() : showShift());

  // The band holds the threshold: whatever is moved takes the others along.
  function keepOrder(moved) {
    if (!sliders.low) return;
    const t = at("threshold");
    if (moved === "threshold") {
      if (at("low") > t) move("low", t);
      if (at("high") < t) move("high", t);
    } else if (moved === "low") {
      if (at("low") > t) move("threshold", at("low"));
      if (at("low") > at("high")) move("high", at("low"));
    } else {
      if (at("high") < t) move("threshold", at("high"));
      if (at("high") < at("low")) move("low", at("high"));
    }
  }

  function leastCost() {
    const prices = costs();
    if (!known(prices)) return;
    if (data.task === "regression") {
      const [over, under] = [Number(prices.over), Number(prices.under)], sums = data.fit;
      move("shift", argmin(data.grid.map((_each, i) => sums.over[i] * over + sums.under[i] * under), (a, b) => a < b));
      return show();
    }
    const table = data.fit, [n, p] = table.totals.map(BigInt);
    const above = data.grid.map((_each, i) => [BigInt(table.negatives[i]), BigInt(table.positives[i])]);
    const against = above.map(([a, b]) => prices.tn * (n - a) + prices.fn * (p - b));
    const for_ = above.map(([a, b]) => prices.fp * a + prices.tp * b);
    const best = argmin(against.map((each, i) => each + for_[i]), (a, b) => a < b);
    move("threshold", best);
    if (band.checked) {
      const below = against.map((each, i) => each - prices.review * (n - above[i][0] + p - above[i][1]));
      const over = for_.map((each, i) => each - prices.review * (above[i][0] + above[i][1]));
      let lowest = 0, found = null;
      over.forEach((each, high) => {
        if (below[high] < below[lowest]) lowest = high;
        if (found === null || below[lowest] + each < found.cost) found = { cost: below[lowest] + each, low: lowest, high };
      });
      move("low", found.low); move("high", found.high);
      move("threshold", Math.min(Math.max(best, found.low), found.high));
    }
    show();
  }
  const argmin = (values, less) => values.reduce((best, each, i) => (less(each, values[best]) ? i : best), 0);

  band?.addEventListener("change", () => {
    document.getElementById("band-fields").hidden = !band.checked;
    if (data && data.task === "binary") show();
  });
  document.getElementById("add-rule")?.addEventListener("click", () => {
    const lines = document.getElementById("rule-lines"), line = lines.lastElementChild.cloneNode(true);
    line.querySelectorAll("input").forEach((each) => { each.value = ""; });
    lines.append(line);
    line.querySelector("input").focus();
  });
  form.addEventListener("change", ({ target }) => {
    if (!("recount" in target.dataset)) return;
    form.querySelector("#reason").required = false; // counting again needs no reason
    form.requestSubmit(form.querySelector("[value=preview]"));
  });
  form.querySelector("[value=preview]")?.addEventListener("click", () => { form.querySelector("#reason").required = false; });
  if (!data) return;

  for (const [name, slider] of Object.entries(sliders)) {
    slider.max = data.grid.length - 1;
    move(name, nearest(Number(field(name).value)));
    slider.addEventListener("input", () => { move(name, at(name)); keepOrder(name); show(); });
    field(name).addEventListener("change", () => { move(name, nearest(Number(field(name).value))); keepOrder(name); show(); });
  }
  form.addEventListener("input", ({ target }) => { if (target.dataset.cost || target.name === "cost-unit") show(); });
  document.getElementById("least-cost").addEventListener("click", leastCost);
  show();
})();

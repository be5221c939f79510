// The live page of a run: progress, time left and log as they come; the head again when the state changes; the result at the end.
(() => {
  const head = document.getElementById("run-head");
  const log = document.getElementById("run-log");
  const live = head.dataset.liveRun !== undefined;

  function left(seconds) {
    if (seconds < 60) return `${seconds} s`;
    const minutes = Math.floor(seconds / 60);
    return minutes < 60 ? `${minutes} min ${String(seconds % 60).padStart(2, "0")} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  }

  document.addEventListener("live:state", ({ detail }) => {
    // The end has an event of its own, which brings the whole page anew.
    if (!live || ["succeeded", "stopped", "failed", "cancelled"].includes(detail.state)) return;
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

  document.addEventListener("live:log", ({ detail }) => {
    const following = log.scrollTop + log.clientHeight >= log.scrollHeight - 24;
    for (const { at, level, message } of detail.lines) {
      const line = document.createElement("li");
      line.className = `log-${level}`;
      line.dataset.name = message.toLowerCase();
      const time = Object.assign(document.createElement("time"), { dateTime: at, textContent: new Date(at).toLocaleTimeString() });
      const text = Object.assign(document.createElement("span"), { textContent: message });
      line.append(time, text);
      log.append(line);
    }
    if (following) log.scrollTop = log.scrollHeight;
  });

  document.addEventListener("live:end", () => {
    if (live) window.location.reload();
  });

  document.querySelectorAll("[data-filter-rows]").forEach((field) => field.addEventListener("input", () => {
    const wanted = field.value.trim().toLowerCase();
    log.querySelectorAll("li").forEach((line) => { line.hidden = !line.dataset.name.includes(wanted); });
  }));
})();

// The page of a job: its log is searched as one types, also the lines that come later, and followed to its end.
(() => {
  const log = document.getElementById("job-log");
  const search = document.querySelector("[data-filter-log]");
  if (!log || !search) return;
  const filter = () => {
    const wanted = search.value.trim().toLowerCase();
    log.querySelectorAll("li[data-name]").forEach((line) => { line.hidden = !line.dataset.name.includes(wanted); });
  };
  search.addEventListener("input", filter);
  let following = true;
  log.addEventListener("scroll", () => { following = log.scrollTop + log.clientHeight >= log.scrollHeight - 24; });
  document.body.addEventListener("htmx:afterSettle", () => {
    filter();
    if (following) log.scrollTop = log.scrollHeight;
  });
  log.scrollTop = log.scrollHeight;
})();

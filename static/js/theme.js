// Runs before the first paint: the chosen theme, so that a dark page never flashes white.
(() => {
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  const chosen = () => localStorage.getItem("atrium-theme") || "system";
  const apply = () => {
    const dark = chosen() === "dark" || (chosen() === "system" && system.matches);
    document.documentElement.dataset.bsTheme = dark ? "dark" : "light";
    document.dispatchEvent(new CustomEvent("atrium:theme"));
  };
  window.atriumTheme = {
    chosen,
    choose(name) {
      localStorage.setItem("atrium-theme", name);
      apply();
    },
  };
  system.addEventListener("change", apply);
  apply();
})();

// Sets the theme before the first paint. "auto" follows the system; the choice is kept in this browser.
(function () {
  var dark = matchMedia("(prefers-color-scheme: dark)");
  var contrast = matchMedia("(prefers-contrast: more)");
  var grounds = { light: "#F1F2EF", dark: "#0E1011", contrast: "#FFFFFF" };

  function choice() {
    try {
      return localStorage.getItem("theme") || "auto";
    } catch {
      return "auto"; // storage is switched off in this browser
    }
  }

  function apply() {
    var chosen = choice();
    var theme = chosen in grounds ? chosen : contrast.matches ? "contrast" : dark.matches ? "dark" : "light";
    document.documentElement.dataset.theme = theme;
    document.querySelector('meta[name="theme-color"]').content = grounds[theme];
  }

  apply();
  dark.addEventListener("change", apply);
  contrast.addEventListener("change", apply);
  addEventListener("storage", apply);
  addEventListener("themechange", apply);
})();

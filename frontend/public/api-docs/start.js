// Starts Swagger UI on the hub's own description. What is typed into "Authorize" is gone when the page is left, and the
// session of the web app in the same browser is not used: a request has the rights of that token and no other.
(function () {
  var root = document.documentElement;

  function paint() {
    root.classList.toggle("dark-mode", root.dataset.theme === "dark");
  }
  paint();
  new MutationObserver(paint).observe(root, { attributeFilter: ["data-theme"] });

  window.SwaggerUIBundle({
    url: "/api/v1/openapi.json",
    dom_id: "#api",
    deepLinking: true,
    defaultModelsExpandDepth: 0,
    filter: true,
    persistAuthorization: false,
    validatorUrl: null, // would send the description to a server on the internet
    requestInterceptor: function (request) {
      request.credentials = "omit";
      return request;
    },
  });
})();


// Charts over epochs: a cross line with the values at it, by pointer and arrow keys; a legend that shows one series alone.
for (const chart of $$("svg.epochs")) {
  const strips = $$(".strip-catch", chart);
  const cross = $(".cross", chart);
  const values = $(".values", chart.parentElement);
  let at = -1;
  const show = (place) => {
    at = Math.max(0, Math.min(strips.length - 1, place));
    const strip = strips[at];
    for (const end of ["x1", "x2"]) cross.setAttribute(end, strip.dataset.x);
    cross.setAttribute("visibility", "visible");
    values.textContent = $("title", strip).textContent;
  };
  chart.addEventListener("pointermove", (event) => {
    const place = strips.indexOf(event.target);
    if (place >= 0 && place !== at) show(place);
  });
  chart.addEventListener("focus", () => at < 0 && show(strips.length - 1));
  chart.addEventListener("keydown", (event) => {
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: strips.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    show(to);
  });
}
for (const box of $$(".curves")) {
  const buttons = $$(".legend button", box);
  for (const button of buttons) {
    button.addEventListener("click", () => {
      const alone = button.getAttribute("aria-pressed") !== "true";
      for (const each of buttons) each.setAttribute("aria-pressed", String(alone && each === button));
      for (const chart of $$("svg.epochs", box)) {
        const all = $$(".series", chart);
        const isOwn = (series) => series.dataset.place === button.dataset.place;
        const here = alone && all.some(isOwn); // a chart that does not have the series stays as it is
        for (const series of all) {
          series.classList.toggle("alone", here && isOwn(series));
          series.classList.toggle("dimmed", here && !isOwn(series));
        }
      }
    });
  }
}

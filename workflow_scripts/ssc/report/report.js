"use strict";
const read = (id) => JSON.parse(document.getElementById(id).textContent);

// Charts, in the colours of the page, drawn when they come near the window.
const specs = read("chart-data");
const places = document.querySelectorAll("[data-chart]");
function drawChart(place) {
  const style = getComputedStyle(document.documentElement);
  const [ink, soft, line] = ["--ink", "--soft", "--line"].map((name) => style.getPropertyValue(name));
  const text = { labelColor: soft, titleColor: soft, labelFontSize: 12, titleFontSize: 12,
    titleFontWeight: "normal" };
  const config = {
    background: "transparent", font: "system-ui, sans-serif", view: { stroke: null },
    axis: { ...text, labelLimit: 140, gridColor: line, domainColor: line, tickColor: line },
    legend: { ...text, orient: "bottom", labelLimit: 210,
      columns: Math.max(1, Math.floor(place.clientWidth / 240)) },
    rule: { color: ink }, tick: { color: ink }, point: { color: ink },
    range: { category: ["#e08214", "#2b8cbe", "#66a61e", "#7b6fd0", "#e7298a", "#a6761d",
      "#1b9e77", "#999999", "#d95f02", "#4daf4a"] },
  };
  const actions = { export: true, source: false, compiled: false, editor: false };
  vegaEmbed(place, specs[place.dataset.chart], { config, actions, renderer: "canvas" });
}
const near = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    if (!entry.isIntersecting) continue;
    near.unobserve(entry.target);
    drawChart(entry.target);
  }
}, { rootMargin: "800px" });
for (const place of places) near.observe(place);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  for (const place of places) near.observe(place);
});
addEventListener("beforeprint", () => places.forEach(drawChart));

// The table of images.
const table = document.querySelector(".images");
if (table) {
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const value = (row, column) => row.cells[column].dataset.value ?? row.cells[column].textContent.trim();
  for (const head of table.tHead.rows[0].cells) {
    if (!head.querySelector("button")) continue;
    head.addEventListener("click", () => {
      const sign = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
      const column = head.cellIndex;
      const compare = head.classList.contains("text")
        ? (a, b) => sign * a.localeCompare(b, undefined, { numeric: true })
        : (a, b) => (a === "" || b === "" ? (a === "") - (b === "") : sign * (a - b));
      rows.sort((a, b) => compare(value(a, column), value(b, column)));
      body.append(...rows);
    });
  }
  const search = document.getElementById("search");
  search.addEventListener("input", () => {
    const words = search.value.toLowerCase().split(/\s+/);
    let found = 0;
    for (const row of rows) {
      const shown = words.every((word) => row.dataset.search.includes(word));
      row.hidden = !shown;
      found += shown;
    }
    document.getElementById("found").textContent = `${found} of ${rows.length} shown`;
  });
}

// Large figures: the image below, one layer above it.
const figures = read("figure-data");
const dialog = document.querySelector("dialog");
if (figures.length) {
  const [photo, layer] = dialog.querySelectorAll(".stack img");
  const choices = document.getElementById("layers");
  const opacity = document.getElementById("opacity");
  const keys = dialog.querySelectorAll("[data-for]");
  let number = 0;
  let caption = "Final map";
  const show = () => {
    const figure = figures[number];
    const names = ["Image", ...Object.keys(figure.layers)];
    if (!names.includes(caption)) caption = "Final map";
    dialog.querySelector("h2").textContent = figure.title;
    photo.src = figure.photo;
    photo.alt = figure.title;
    layer.hidden = caption === "Image";
    if (!layer.hidden) layer.src = figure.layers[caption];
    layer.alt = caption;
    layer.style.opacity = opacity.value / 100;
    const scale = Math.min(3, (Math.min(innerWidth * 0.96, 1100) - 60) / photo.naturalWidth || 3);
    photo.style.width = photo.naturalWidth ? `${photo.naturalWidth * scale}px` : "";
    choices.replaceChildren(...names.map((name) => {
      const button = document.createElement("button");
      button.textContent = name;
      button.setAttribute("aria-pressed", name === caption);
      button.addEventListener("click", () => { caption = name; show(); });
      return button;
    }));
    const kind = { Confidence: "confidence", "Right and wrong": "verdict", Image: "" };
    for (const key of keys) key.hidden = key.dataset.for !== (kind[caption] ?? "classes");
  };
  photo.addEventListener("load", () => { if (!photo.style.width) show(); });
  const step = (by) => { number = (number + by + figures.length) % figures.length; photo.style.width = ""; show(); };
  document.querySelectorAll(".gallery .photo").forEach((img, i) => { img.src = figures[i].photo; });
  for (const button of document.querySelectorAll("[data-figure]")) {
    button.addEventListener("click", () => {
      number = Number(button.dataset.figure);
      photo.style.width = "";
      dialog.showModal();
      show();
    });
  }
  opacity.addEventListener("input", show);
  document.getElementById("before").addEventListener("click", () => step(-1));
  document.getElementById("after").addEventListener("click", () => step(1));
  document.getElementById("close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  dialog.addEventListener("keydown", (event) => {
    if (event.target === opacity) return;
    if (event.key === "ArrowLeft") step(-1);
    if (event.key === "ArrowRight") step(1);
  });
}

// Which stage's confusion matrix is shown.
for (const choice of document.querySelectorAll("[data-stage]")) {
  choice.addEventListener("click", () => {
    const part = choice.closest(".agreement");
    for (const other of part.querySelectorAll("[data-stage]"))
      other.setAttribute("aria-pressed", other === choice);
    for (const shown of part.querySelectorAll("[data-of]"))
      shown.hidden = shown.dataset.of !== choice.dataset.stage;
  });
}

// Where the reader is, in the navigation.
const links = new Map([...document.querySelectorAll("nav a")].map((a) => [a.hash.slice(1), a]));
const seen = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    if (!entry.isIntersecting) continue;
    for (const [id, link] of links) link.classList.toggle("here", id === entry.target.id);
  }
}, { rootMargin: "-10% 0px -80%" });
for (const part of document.querySelectorAll("section[id]")) seen.observe(part);

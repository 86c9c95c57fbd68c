"use strict";

// The slider shows all pictures at its exposure.
const slider = document.querySelector("[data-exposure]");
if (slider) {
  let waiting;
  const show = () => {
    const stops = Number(slider.value);
    document.querySelectorAll("[data-picture]").forEach((picture) => {
      picture.src = stops ? `${picture.dataset.picture}&exposure=${stops}` : picture.dataset.picture;
    });
    const here = new URL(location.href);
    here.searchParams.set("exposure", slider.value);
    history.replaceState(history.state, "", here);
  };
  slider.addEventListener("input", () => {
    const stops = Number(slider.value);
    document.querySelector("output[for=exposure]").textContent = `${stops >= 0 ? "+" : ""}${stops}`;
    clearTimeout(waiting);
    waiting = setTimeout(show, 120);
  });
}

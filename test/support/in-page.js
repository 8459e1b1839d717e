/** What tests of pages run within them: each function must be whole in itself. */

/** Contrast of text, as WCAG 2.2 §1.4.3 measures it. */
export function poorContrasts() {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  /** Whatever form the colour has: drawn, it is red, green, blue and alpha. */
  const channels = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const luminance = (colour) => {
    const [r, g, b] = colour.map((value) => {
      const c = value / 255;
      return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const backgroundOf = (element) => {
    if (element === null) return channels('white');
    const colour = channels(getComputedStyle(element).backgroundColor);
    return colour[3] === 255 ? colour : backgroundOf(element.parentElement);
  };
  const poor = [];
  for (const element of document.body.querySelectorAll('*')) {
    const own = [...element.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE);
    const text = own.map((node) => node.textContent.trim()).join('');
    if (text === '' || !element.checkVisibility() || element.closest('script, style, .unseen, .skip')) continue;
    const style = getComputedStyle(element);
    const [a, b] = [luminance(channels(style.color)), luminance(backgroundOf(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const sizePx = Number.parseFloat(style.fontSize);
    const isLarge = sizePx >= 24 || (sizePx >= 18.66 && Number(style.fontWeight) >= 700);
    const wanted = isLarge ? 3 : 4.5;
    if (ratio < wanted) poor.push({ text, ratio, wanted });
  }
  return poor;
}

/** Where the focus is: the nearest id, or class. */
export function focusedName() {
  const at = document.activeElement;
  return at.id || at.className || at.closest('[id]').id;
}

export function pageColour() {
  return getComputedStyle(document.body).backgroundColor;
}

/** The size of all there is, and the elements that are narrower than what is in them. */
export function extent() {
  const { scrollWidth: width, scrollHeight: height } = document.documentElement;
  const tooNarrow = [...document.querySelectorAll('main *, header *')]
    .filter((element) => element.clientWidth > 1 && element.scrollWidth > element.clientWidth + 1)
    .map((element) => element.outerHTML.slice(0, 100));
  return { width, height, tooNarrow };
}

/** The animation of what has happened last. */
export function newestAnimation() {
  return getComputedStyle(document.querySelector('#log li')).animationName;
}

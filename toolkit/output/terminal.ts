/** How task lists are drawn on a terminal. */
import { color, ListrDefaultRendererLogLevels as Level, type ListrDefaultRendererOptions, PRESET_TIMER } from 'listr2';

/** Shorter ones tell nothing, and would only flicker. */
const shownDurationMs = 100;

export const terminalOptions = {
  collapseSubtasks: false,
  // The reason stands under the title. It is no warning: there was simply nothing to do.
  collapseSkips: false,
  icon: { [Level.SKIPPED_WITHOUT_COLLAPSE]: '✔' },
  color: { [Level.SKIPPED_WITHOUT_COLLAPSE]: (text?: string) => color.gray(text ?? '') },
  // The error is shown in full below the list.
  showErrorMessage: false,
  timer: { ...PRESET_TIMER, condition: (duration) => duration >= shownDurationMs },
} satisfies ListrDefaultRendererOptions;

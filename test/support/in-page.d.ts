export function poorContrasts(): { text: string; ratio: number; wanted: number }[];
export function focusedName(): string;
export function pageColour(): string;
export function extent(): { width: number; height: number; tooNarrow: string[] };
export function newestAnimation(): string;

/** Which of a member's URLs to use: one, until it fails, then the next. */
export class UrlPicker {
  private urls: readonly string[];
  private picked = 0;

  /** @param urls at least one */
  constructor(urls: readonly string[]) {
    this.urls = urls;
  }

  pick(): string {
    return this.urls[this.picked] as string;
  }

  /** Goes on to the next URL, unless that was done already since `url` was picked. */
  unreachable(url: string): void {
    if (url === this.pick()) this.picked = (this.picked + 1) % this.urls.length;
  }

  update(urls: readonly string[]): void {
    this.urls = urls;
    this.picked = 0;
  }
}

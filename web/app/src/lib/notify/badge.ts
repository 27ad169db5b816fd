// The number of unread messages in the title of the tab and, where the platform has it, on the icon of the app.

export function showUnread(title: string, unread: number): void {
  document.title = unread > 0 ? `(${unread > 999 ? '999+' : unread}) ${title}` : title;
  const badge = navigator as Navigator & {
    setAppBadge?(n: number): Promise<void>;
    clearAppBadge?(): Promise<void>;
  };
  const done = unread > 0 ? badge.setAppBadge?.(unread) : badge.clearAppBadge?.();
  done?.catch(() => undefined);
}

"""What a page must have for people who do not see it or do not use a mouse."""

from __future__ import annotations

from typing import Final

from playwright.sync_api import Page

_LOOK: Final = """() => {
  const found = [];
  const shown = one => !!(one.offsetWidth || one.offsetHeight || one.getClientRects().length);
  const named = one => !!(
    (one.getAttribute('aria-label') || '').trim() || one.getAttribute('aria-labelledby') ||
    (one.title || '').trim() || (one.id && document.querySelector(`label[for="${one.id}"]`)) ||
    one.closest('label'));
  const short = one => one.outerHTML.slice(0, 120);
  if (!document.documentElement.lang) found.push('html has no lang');
  if (!document.title.trim()) found.push('the page has no title');
  for (const one of document.querySelectorAll('input, select, textarea'))
    if (shown(one) && one.type !== 'hidden' && one.type !== 'submit' && !named(one))
      found.push('no label: ' + short(one));
  for (const one of document.querySelectorAll('img'))
    if (!one.hasAttribute('alt')) found.push('no alt: ' + short(one));
  for (const one of document.querySelectorAll('canvas'))
    if (shown(one) && !named(one) && !one.closest('[role=img][aria-label]'))
      found.push('a chart without words: ' + short(one));
  for (const one of document.querySelectorAll('button, a[href]'))
    if (shown(one) && !one.innerText.trim() && !named(one) && !one.querySelector('img[alt]'))
      found.push('nothing to say: ' + short(one));
  for (const one of document.querySelectorAll('table'))
    if (shown(one) && one.rows.length > 1 && !one.querySelector('th'))
      found.push('a table without heads: ' + short(one));
  let last = 0;
  for (const one of document.querySelectorAll('h1, h2, h3, h4, h5, h6')) {
    if (!shown(one)) continue;
    const level = Number(one.tagName[1]);
    if (last && level > last + 1) found.push(`h${level} after h${last}: ` + one.innerText);
    last = level;
  }
  const ids = [...document.querySelectorAll('[id]')].map(one => one.id);
  for (const id of new Set(ids.filter((id, at) => id && ids.indexOf(id) !== at)))
    if (document.querySelector(`label[for="${CSS.escape(id)}"]`))
      found.push('a label with two targets: ' + id);
  return found;
}"""


def faults(page: Page) -> list[str]:
    """List what is missing on a page."""
    found: list[str] = page.evaluate(_LOOK)
    return found


def reachable(page: Page, wanted: str, *, presses: int = 150) -> bool:
    """Tell whether somebody comes to an element by the Tab key."""
    page.evaluate("() => document.activeElement && document.activeElement.blur()")
    for _ in range(presses):
        page.keyboard.press("Tab")
        if page.evaluate("wanted => document.activeElement.matches(wanted)", wanted):
            return True
    return False

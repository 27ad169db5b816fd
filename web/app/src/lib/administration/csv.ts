// Tables for spreadsheets: UTF-8 with a byte order mark, CRLF, every cell quoted; a cell that a spreadsheet would take for a
// formula is made text.

const FORMULA = /^[=+\-@\t\r]/;
const BOM = '\ufeff';

const cell = (value: string | number): string => {
  const text = typeof value === 'number' ? String(value) : FORMULA.test(value) ? `'${value}` : value;
  return `"${text.replaceAll('"', '""')}"`;
};

export const csv = (rows: readonly (readonly (string | number)[])[]): string =>
  BOM + rows.map((row) => row.map(cell).join(',') + '\r\n').join('');

/** Hands a file to the browser's own download. */
export function download(name: string, text: string, type = 'text/csv;charset=utf-8'): void {
  const address = URL.createObjectURL(new Blob([text], { type }));
  const anchor = document.createElement('a');
  anchor.href = address;
  anchor.download = name;
  anchor.click();
  // Safari reads the file after the click has returned.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

// One column of a table.

export interface Column {
  key: string;
  /** Empty for a column of buttons. */
  label: string;
  numeric?: boolean;
  /** Stands in for the empty label on screen readers. */
  hiddenLabel?: string;
}

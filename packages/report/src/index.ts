export { reportHtml } from './html.js';
export type { Cell, Chart, ChartAxis, Report, ReportSection, Series, Table, Unit } from './report.js';

// The page: it asks the worker that has the disk, and shows what it says.
const worker = new Worker('/worker.js', { type: 'module' });
const element = (id) => document.getElementById(id);

worker.onmessage = ({ data: { info, said, text } }) => {
  if (info !== undefined) element('info').textContent = info;
  if (text !== undefined) element('text').value = text;
  if (said !== undefined) element('said').textContent = said;
};
worker.onerror = ({ message }) => {
  element('said').textContent = message;
};
for (const action of ['read', 'write', 'flush', 'fill']) {
  element(action).onclick = () => {
    element('said').textContent = '';
    worker.postMessage({ action, sector: element('sector').valueAsNumber, text: element('text').value });
  };
}

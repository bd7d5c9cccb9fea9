/** Characters of a subject: what most tools show of it. */
const MAX_SUBJECT_LENGTH = 72;

/**
 * What is wrong with the message of a commit, a line each.
 *
 * @param {string} message
 * @returns {string[]}
 */
export function faultsOf(message) {
  const [subject = '', separator = '', ...body] = message.trim().split('\n');
  const faults = [];
  if (subject.length > MAX_SUBJECT_LENGTH) {
    faults.push(`the subject has ${subject.length} characters, more than ${MAX_SUBJECT_LENGTH}: ${subject}`);
  }
  if (/^(wip|fixup!|squash!)/i.test(subject))
    faults.push(`the subject is of a commit that is not finished: ${subject}`);
  if (separator !== '') faults.push(`the line after the subject is not empty: ${subject}`);
  if (body.join('').trim() === '') faults.push(`no body says why: ${subject}`);
  return faults;
}

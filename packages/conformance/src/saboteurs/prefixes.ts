import { type Group, type Leaving, leavePrefixes } from '../bases/group-log.js';
import { groupLogSubject } from '../kit/group-log-subject.js';
import type { Saboteur } from './saboteur.js';
import { writeBack } from './write-back.js';

/** Those that keep every promise about single sectors, but not the order of their writes. */
export const prefixSaboteurs: readonly Saboteur[] = [
  groupLog('stores two groups of writes in the wrong order', (groups) => {
    const [last, before, ...others] = [...groups].reverse();
    if (last === undefined || before === undefined) return leavePrefixes(groups);
    return leavePrefixes([...others.reverse(), last, before]);
  }),
  groupLog('loses a group of writes in the middle', (groups) => {
    const middle = Math.floor((groups.length - 1) / 2);
    if (groups.length < 2) return leavePrefixes(groups);
    return leavePrefixes(groups.filter((_, i) => i !== middle));
  }),
  groupLog('keeps one sector of a group whose predecessor it has lost', (groups) => {
    return leavePrefixes(groups).map((first) => {
      const sector = groups.slice(first.length + 1).flatMap(oneSectorOf)[0];
      return sector === undefined ? first : [...first, [sector]];
    });
  }),
  {
    name: 'writes back in an order of its own to a device that keeps the order',
    clause: 'D5',
    subject: groupLogSubject('write-back over a group log', leavePrefixes, writeBack),
  },
];

function groupLog(name: string, leaving: Leaving): Saboteur {
  return { name, clause: 'D5', subject: groupLogSubject(name, leaving) };
}

/** The first sector that the group writes, if it writes any. */
function oneSectorOf(group: Group): Group[number][] {
  return group.flatMap((change) => (change.type === 'write' ? { ...change, sectors: change.sectors.slice(0, 1) } : []));
}

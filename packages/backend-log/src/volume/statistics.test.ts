import { MemoryStore, trafficBetween } from '@blockyard/object-store';
import { expect, test } from 'vitest';
import { classOfLogKey } from '../index.js';
import { connectSmall, contentsOf, createSmall } from '../testing/small-volume.js';

test('a snapshot tells the traffic of each class up to its moment, and does not change later', async () => {
  const objects = new Map();
  await createSmall(objects);
  await using device = await connectSmall(new MemoryStore({ objects, classOf: classOfLogKey }));
  const opened = device.snapshot()?.traffic;
  await device.write(0, [contentsOf(1)]);
  await device.flush();
  const flushed = device.snapshot()?.traffic;
  if (opened === undefined || flushed === undefined) throw new Error('a device that writes has figures');
  expect(opened.classes.log?.requests.put ?? 0).toBe(0);
  const { requests, uploadBytes, classes } = trafficBetween(opened, flushed);
  expect(requests).toEqual({ get: 0, head: 0, put: 1, delete: 0, list: 0 });
  expect(classes).toEqual({ log: { requests, uploadBytes, downloadBytes: 0 } });
});

import { describe, expect, test } from 'vitest';
import { DeviceUri } from './device-uri.js';
import { parseMoment } from './moment.js';

describe('a moment', () => {
  test.each([
    ['2026-01-31T12:00Z', Date.UTC(2026, 0, 31, 12)],
    ['2026-01-31T12:00:30Z', Date.UTC(2026, 0, 31, 12, 0, 30)],
    ['2026-01-31T12:00:30.250Z', Date.UTC(2026, 0, 31, 12, 0, 30, 250)],
    ['2026-01-31T13:00+01:00', Date.UTC(2026, 0, 31, 12)],
    ['2026-01-31T06:30-05:30', Date.UTC(2026, 0, 31, 12)],
    ['2028-02-29T00:00Z', Date.UTC(2028, 1, 29)],
  ])('%s is a time', (text, atMs) => {
    expect(parseMoment(text)).toEqual({ atMs });
  });

  test.each(['daily', '2026-01-31', 'before_2.0', '20260131T1200Z'])('%s is the name of a snapshot', (snapshot) => {
    expect(parseMoment(snapshot)).toEqual({ snapshot });
  });

  test.each([
    ['2026-01-31T12:00', /reads like 2026-01-31T12:00Z/],
    ['2026-02-30T12:00Z', /reads like/],
    ['2026-13-01T12:00Z', /reads like/],
    ['2026-01-31T25:00Z', /reads like/],
    ['12:00Z', /reads like/],
    ['', /followed by/],
  ])('%j is none', (text, message) => {
    expect(() => parseMoment(text)).toThrow(message);
  });

  test.each([
    ['s3://bucket/disks/a@daily?region=x', '//bucket/disks/a', { snapshot: 'daily' }],
    ['s3://bucket/a@b/c', '//bucket/a@b/c', undefined],
    ['s3://key:secret@bucket', '//key:secret@bucket', undefined],
    ['dir:/srv/a@2026-01-31T12:00+01:00', '/srv/a', { atMs: Date.UTC(2026, 0, 31, 11) }],
    ['dir:/srv/a%40b@c%2Dd', '/srv/a%40b', { snapshot: 'c-d' }],
    ['dir:/srv/a@b@c', '/srv/a@b', { snapshot: 'c' }],
  ])('of %s stands behind the last @ of the last part of the path', (text, place, moment) => {
    const uri = new DeviceUri(text);
    expect(uri.place).toBe(place);
    expect(uri.moment).toEqual(moment);
  });
});

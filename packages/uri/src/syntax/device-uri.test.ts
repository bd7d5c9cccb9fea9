import { describe, expect, test } from 'vitest';
import { DeviceUri } from './device-uri.js';

describe('a device URI', () => {
  test('is a scheme, a rest as it was written, and decoded parameters', () => {
    const uri = new DeviceUri('S3://bucket/a%20b?endpoint=http%3A%2F%2Flocalhost%3A9000&region=eu+1');
    expect(uri.scheme).toBe('s3');
    expect(uri.rest).toBe('//bucket/a%20b');
    expect(uri.parameter('endpoint')).toBe('http://localhost:9000');
    expect(uri.parameter('region')).toBe('eu+1');
    expect(uri.parameter('sector')).toBeUndefined();
  });

  test('keeps what is not taken away', () => {
    const uri = new DeviceUri('nbd+unix:///x?socket=/run/a+b.sock&sector=4K');
    expect(uri.without(['sector'])).toBe('nbd+unix:///x?socket=%2Frun%2Fa%2Bb.sock');
    expect(new DeviceUri('nbd://host/x?sector=4K').without(['sector'])).toBe('nbd://host/x');
  });

  test.each([
    ['/srv/disk.img', 'file:/srv/disk.img'],
    ['disk.img', 'file:disk.img'],
    ['', 'file:/srv/disk.img'],
    ['C:\\disk.img', 'file:/srv/disk.img'],
  ])('%j is not one, and the message shows how one looks', (text, example) => {
    expect(() => new DeviceUri(text)).toThrow(example);
  });

  test.each([
    ['file:/a#b', /%23/],
    ['file:/a?sector', /"sector" has no value/],
    ['file:/a?sector=512&sector=4096', /"sector" is given twice/],
    ['file:/a?x=%zz', /percent code/],
  ])('%j is refused', (text, message) => {
    expect(() => new DeviceUri(text)).toThrow(message);
  });

  test('refuses unknown parameters and names the known ones', () => {
    const uri = new DeviceUri('file:/a?sectr=512');
    expect(() => uri.checkParameters(['sector', 'lock'])).toThrow('unknown parameter "sectr"; file: has sector, lock');
  });
});

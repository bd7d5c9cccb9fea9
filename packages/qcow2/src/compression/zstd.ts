import { ZSTDDecoder } from 'zstddec';
import { zstdFrameBytes } from './zstd-frame.js';

let decoder: Promise<ZSTDDecoder> | undefined;

async function start(): Promise<ZSTDDecoder> {
  const started = new ZSTDDecoder();
  await started.init();
  return started;
}

/** Decodes one cluster, in one frame of zstd. Made once, since it is a program of its own that is started. */
export async function zstdClusters(): Promise<(source: Uint8Array, clusterBytes: number) => Uint8Array> {
  decoder ??= start();
  const started = await decoder;
  return (source, clusterBytes) => {
    const cluster = started.decode(source.subarray(0, zstdFrameBytes(source)), clusterBytes);
    if (cluster.byteLength === clusterBytes) return cluster;
    throw new Error('the frame of zstd is damaged, or no cluster');
  };
}

/** The AudioWorklet: sends the microphone's samples from the audio thread to the worker, 1,024 at a time. */
declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}
declare function registerProcessor(name: string, processor: new () => AudioWorkletProcessor): void;

const blockSamples = 1024;

class Capture extends AudioWorkletProcessor {
  private block = new Float32Array(blockSamples);
  private filled = 0;
  private worker: MessagePort | undefined;

  constructor() {
    super();
    this.port.onmessage = ({ data }: MessageEvent<MessagePort>) => {
      this.worker = data;
    };
  }

  /** Takes blocks of 128 samples per channel and averages the channels. */
  process([channels = []]: Float32Array[][]): boolean {
    const length = channels[0]?.length ?? 0;
    for (let i = 0; i < length; i++) {
      let sum = 0;
      for (const channel of channels) sum += channel[i] as number;
      this.block[this.filled++] = sum / channels.length;
      if (this.filled < blockSamples) continue;
      this.worker?.postMessage(this.block, [this.block.buffer]);
      this.block = new Float32Array(blockSamples);
      this.filled = 0;
    }
    return true;
  }
}

registerProcessor('capture', Capture);

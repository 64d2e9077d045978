/**
 * The AudioWorklet that sends the microphone's samples from the audio thread to the page.
 *
 * In: blocks of 128 samples per channel.  Out: messages of 1024 samples, the mean of all channels.
 */
declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}
declare function registerProcessor(name: string, processor: new () => AudioWorkletProcessor): void;

const blockSamples = 1024;

class Capture extends AudioWorkletProcessor {
  #block = new Float32Array(blockSamples);
  #filled = 0;

  process([channels = []]: Float32Array[][]): boolean {
    const length = channels[0]?.length ?? 0;
    for (let i = 0; i < length; i++) {
      let sum = 0;
      for (const channel of channels) sum += channel[i] as number;
      this.#block[this.#filled++] = sum / channels.length;
      if (this.#filled < blockSamples) continue;
      this.port.postMessage(this.#block, [this.#block.buffer]);
      this.#block = new Float32Array(blockSamples);
      this.#filled = 0;
    }
    return true;
  }
}

registerProcessor('capture', Capture);

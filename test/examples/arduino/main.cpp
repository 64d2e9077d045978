/*
 * A simulated MPU-6050 and clock for the sketch. Standard input has one frame per line, seven int16 values;
 * the line `lost` is a frame that the bus does not deliver. The program ends with its input.
 */
#include <stdio.h>
#include <stdlib.h>

#include "Wire.h"

Print Serial;
TwoWire Wire;
static unsigned long now = 0xfffffff0UL; /* wraps around soon */
static uint8_t registers[128], written[8], values[14];
static int count, at, asleep = 1;

void Print::begin(unsigned long) {}
void Print::print(const char *text) { printf("%s", text); }
void Print::print(char character) { putchar(character); }
void Print::println(const char *text) { printf("%s\n", text); }
void Print::println(double value, int digits) { printf("%.*f\n", digits, value); }
unsigned long micros() { return (uint32_t)(now += 997); }
void delay(unsigned long ms) { now += 1000 * ms; }

void TwoWire::begin() {}
void TwoWire::setClock(uint32_t) {}
void TwoWire::beginTransmission(uint8_t address) { count = address == 0x68 ? 0 : 8; }
size_t TwoWire::write(uint8_t byte) {
  if (count >= 8) return 0;
  written[count++] = byte;
  return 1;
}
uint8_t TwoWire::endTransmission(bool) {
  if (count == 8) return 2;
  if (count == 2) registers[written[0]] = written[1];
  if (count == 2 && written[0] == 0x6b) asleep = written[1] & 0x40;
  return 0;
}
uint8_t TwoWire::requestFrom(uint8_t address, uint8_t bytes) {
  char line[256];
  int v[7];
  /* the sketch must have set it up: awake, 4 g, 500 degrees/s, read from the first value register */
  if (address != 0x68 || asleep || registers[0x1c] != 0x08 || registers[0x1b] != 0x08 || written[0] != 0x3b) exit(3);
  if (!fgets(line, sizeof line, stdin)) exit(0);
  if (sscanf(line, "%d %d %d %d %d %d %d", v, v + 1, v + 2, v + 3, v + 4, v + 5, v + 6) != 7) return 0;
  for (int i = 0; i < 7; i++) values[2 * i] = (uint8_t)(v[i] >> 8), values[2 * i + 1] = (uint8_t)v[i];
  at = 0;
  return bytes;
}
int TwoWire::read() { return at < 14 ? values[at++] : -1; }

void setup();
void loop();
int main() {
  setup();
  for (;;) loop();
}

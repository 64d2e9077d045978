/* The program of trust.test.ts: prints the code of runlet_check for each module, with the firmware's trust,
   as JSON. */
#include "common.h"
#include "trust.h"

int main(int argc, char** argv) {
  for (int i = 1; i < argc; i++) {
    struct file f = read_file(argv[i]);
    printf("%s%d", i == 1 ? "[" : ",", runlet_check(f.at, f.bytes, NULL, 0, NULL, trust()));
  }
  printf("]\n");
  return 0;
}

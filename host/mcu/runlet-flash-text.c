/** Texts for the codes and states of runlet-flash.h. */
#include "runlet-flash.h"

const char* runlet_flash_text(int code) {
  switch (code) {
    case RUNLET_FLASH_OK: return "no error";
    case RUNLET_FLASH_USE: return "an argument is invalid";
    case RUNLET_FLASH_IO: return "reading, erasing or writing the flash failed";
    case RUNLET_FLASH_SIZE: return "the image is empty or larger than a slot";
    case RUNLET_FLASH_FLOOR: return "the sequence number is not above the highest confirmed one";
    case RUNLET_FLASH_BUSY: return "an image is on trial, or a restart is due";
    case RUNLET_FLASH_OFFSET: return "the bytes do not follow those received so far";
    case RUNLET_FLASH_OTHER: return "the bytes belong to an image that was not begun";
    case RUNLET_FLASH_SHORT: return "the image is not complete";
    case RUNLET_FLASH_DIGEST: return "the image's SHA-256 is wrong";
    case RUNLET_FLASH_IMAGE: return "not a valid model image";
    case RUNLET_FLASH_MODULE: return "the module is refused";
    case RUNLET_FLASH_ORDER: return "the image is not in the state that this needs";
    case RUNLET_FLASH_UNPROVEN: return "the image has not passed its self-test yet";
    case RUNLET_FLASH_SEQUENCE: return "the sequence number in the bundle is not the one of the transfer";
    default: return "unknown code of the slots";
  }
}

const char* runlet_flash_state_text(uint32_t state) {
  static const char* const names[] = {"unknown", "receiving", "staged", "trial", "trying", "confirmed", "previous", "rejected"};
  return state < sizeof names / sizeof *names ? names[state] : "broken";
}

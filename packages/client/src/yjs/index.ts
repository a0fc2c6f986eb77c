export { createRoomProvider, type RoomProvider, type RoomProviderOptions } from "./provider.js";

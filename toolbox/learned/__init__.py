"""What learned tools share: weights with their card, the device, tiles. Tool files hold the
network and inference only; training is in ``simulators.training``."""

"""What people at a beamline prefer: choices and ratings, learned from, used to order plans."""

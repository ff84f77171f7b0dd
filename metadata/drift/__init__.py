"""What the instruments normally do, and whether they are about to do something else."""

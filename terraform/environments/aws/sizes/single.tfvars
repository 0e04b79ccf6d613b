# One node in one zone, no NAT: to try it out, or where an hour of downtime is no harm.
zone_count = 1
nat        = "none"
servers    = { count = 1, instance_type = "t4g.large", volume_size = 40 }
agents     = null
database   = null

database_backups = false
secrets_manager  = false

update guards set returned = true where reclaim = %(reclaim)s and not returned
